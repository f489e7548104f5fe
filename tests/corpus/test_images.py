from __future__ import annotations

import errno
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from filelock import FileLock
from PIL import Image

from releaf.corpus import images
from releaf.corpus.coco import CocoLabels
from releaf.corpus.image_table import ANNOTATIONS, IMAGE_SCHEMA
from releaf.corpus.images import assemble_images, import_images, read_imports
from releaf.errors import DataError, InputError, StorageError


def picture(seed: int) -> bytes:
    cells = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(cells).resize((32, 24), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def dataset(folder: Path, **classes: range) -> Path:
    for name, seeds in classes.items():
        for seed in seeds:
            path = folder / name / f"{seed}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(seed))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return dataset(tmp_path / "my set", glass=range(10), trash=range(10, 20))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "imports"


def test_an_import_gives_the_table_of_its_pictures(source, home, taxonomy):
    result = import_images(source, home, taxonomy, "family", name="mine")
    assert result.frame.schema == pl.Schema(IMAGE_SCHEMA)
    assert (result.read, result.frame.height, result.lost_share) == (20, 20, 0.0)
    row = result.frame.row(0, named=True)
    assert (row["id"], row["source"], row["dataset"]) == ("mine/glass/0.png", "photograph", "mine")
    assert (row["width"], row["height"]) == (32, 24)
    assert (row["item"], row["material"], row["family"], row["bin"]) == (None, None, "glass", None)
    assert Path(row["path"]).read_bytes() == picture(0)
    assert Path(row["path"]) == home.absolute() / "mine" / "images" / f"{row['sha256']}.png"
    assert row["group"] == row["sha256"][:16]
    counts = result.frame.group_by("family", "split").len().rows()
    assert {row[:2]: row[2] for row in counts} == {
        ("glass", "train"): 7, ("glass", "validation"): 1, ("glass", "test"): 2,
        ("residual", "train"): 7, ("residual", "validation"): 1, ("residual", "test"): 2,
    }  # fmt: skip


def test_the_table_is_read_again_without_decoding_anything(source, home, taxonomy, monkeypatch):
    first = import_images(source, home, taxonomy, "family")
    monkeypatch.setattr(Image, "open", None)
    again = read_imports(home, taxonomy)
    assert again.frame.equals(first.frame)
    assert set(again.frame["dataset"]) == {"my-set"}


def test_the_annotations_are_in_the_native_format_with_where_each_picture_came_from(source, home, taxonomy):
    import_images(source, home, taxonomy, "family", name="mine")
    raw = json.loads((home / "mine" / "annotations.json").read_text())
    assert (raw["dataset"], raw["labels"], raw["rejected"]) == ("mine", "family", [])
    image = raw["images"][0]
    assert (image["id"], image["source_file"], image["source_folder"]) == (0, "glass/0.png", "glass")
    assert raw["annotations"][0] == {
        "image_id": 0, "item_type": None, "material_type": None, "family_type": 2, "bin_type": None,
    }  # fmt: skip
    assert raw["categories"]["family"][2] == "glass"


def test_importing_the_same_data_again_changes_no_content(source, home, taxonomy):
    import_images(source, home, taxonomy, "family", name="mine")
    before = contents(home)
    import_images(source, home, taxonomy, "family", name="mine")
    assert contents(home) == before


def test_a_later_import_of_the_same_name_replaces_the_earlier_one(tmp_path, source, home, taxonomy):
    import_images(source, home, taxonomy, "family", name="mine")
    other = dataset(tmp_path / "other", metal=range(8, 12))
    result = import_images(other, home, taxonomy, "family", name="mine")
    assert set(result.frame["family"]) == {"metal"}
    assert read_imports(home, taxonomy).frame.height == 4
    assert len(list((home / "mine" / "images").iterdir())) == 4


def test_several_imports_stand_side_by_side(tmp_path, source, home, taxonomy):
    import_images(source, home, taxonomy, "family", name="b")
    import_images(dataset(tmp_path / "other", pet=range(30, 34)), home, taxonomy, "material", name="a")
    frame = read_imports(home, taxonomy).frame
    assert frame["dataset"].unique(maintain_order=True).to_list() == ["a", "b"]
    assert frame.row(0, named=True)["material"] == "pet"
    assert frame.row(0, named=True)["family"] == "plastic"


def test_nothing_imported_is_an_empty_table(home, taxonomy):
    result = read_imports(home, taxonomy)
    assert (result.frame.height, result.read, result.frame.schema) == (0, 0, pl.Schema(IMAGE_SCHEMA))


def test_files_that_do_not_decode_are_quarantined_and_stay_so(source, home, taxonomy):
    (source / "glass" / "notes.txt").write_text("no picture")
    (source / "glass" / "cut.png").write_bytes(picture(50)[:-40])
    (source / "glass" / "empty.jpg").touch()
    first = import_images(source, home, taxonomy, "family", name="mine")
    for result in (first, read_imports(home, taxonomy)):
        assert (result.read, result.frame.height) == (23, 20)
        found = dict(result.quarantine.select("file", "reason").iter_rows())
        assert sorted(found) == ["mine/glass/cut.png", "mine/glass/empty.jpg", "mine/glass/notes.txt"]
        assert found["mine/glass/empty.jpg"] == "the file is empty"
        assert set(result.quarantine["dataset"]) == {"images"}


def test_one_picture_under_two_labels_is_quarantined_and_a_repeat_is_kept_once(source, home, taxonomy):
    dataset(source, metal=range(1), paper=range(40, 41))
    (source / "paper" / "again.png").write_bytes(picture(40))
    result = import_images(source, home, taxonomy, "family", name="mine")
    assert (result.read, result.frame.height) == (23, 20)
    assert dict(result.quarantine.select("file", "reason").iter_rows()) == {
        "mine/glass/0.png": "the same picture carries other labels as mine/metal/0.png",
        "mine/metal/0.png": "the same picture carries other labels as mine/glass/0.png",
        "mine/paper/again.png": "the same picture with the same labels as mine/paper/40.png",
    }


def test_near_duplicates_share_their_group_and_their_split(source, home, taxonomy):
    for seed in range(10):
        image = Image.open(source / "glass" / f"{seed}.png")
        image.resize((30, 22), Image.Resampling.LANCZOS).save(source / "glass" / f"{seed}-small.png")
    frame = import_images(source, home, taxonomy, "family", name="mine").frame
    glass = frame.filter(pl.col("family") == "glass")
    assert glass.group_by("group").len()["len"].to_list() == [2] * 10
    assert glass.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1


def test_native_annotations_are_imported_with_every_label(tmp_path, home, taxonomy):
    folder = dataset(tmp_path / "native", pictures=range(3))
    names = [{"id": seed, "file_name": f"pictures/{seed}.png"} for seed in range(4)]
    labels = [{"image_id": 0, "item_type": 8, "material_type": 7, "bin_type": 0}, {"image_id": 1, "item_type": 0}]
    (folder / "train.json").write_text(json.dumps({"images": names, "annotations": labels}))
    result = import_images(folder, home, taxonomy, "native", name="mine")
    assert result.frame.select("item", "material", "family", "bin").rows() == [
        ("glass_jar", "glass", "glass", "recycle"),
        ("plastic_bottle", None, "plastic", "recycle"),
        (None, None, None, None),
    ]
    assert "cannot be read: No such file" in result.quarantine["reason"][0]


def test_an_import_can_itself_be_imported(source, home, tmp_path, taxonomy):
    first = import_images(source, home, taxonomy, "family", name="mine").frame
    second = import_images(home / "mine", tmp_path / "elsewhere", taxonomy, "native").frame
    assert second.drop("path").equals(first.drop("path"))


def test_coco_annotations_are_imported_through_a_map(tmp_path, home, taxonomy):
    folder = dataset(tmp_path / "coco", batch=range(2))
    coco = {
        "images": [{"id": seed, "file_name": f"batch/{seed}.png"} for seed in range(2)],
        "categories": [{"id": 1, "name": "Drink can"}],
        "annotations": [{"image_id": 0, "category_id": 1}],
    }
    (folder / "coco.json").write_text(json.dumps(coco))
    (folder / "map.json").write_text('{"Drink can": "beverage_can"}')
    result = import_images(folder, home, taxonomy, CocoLabels(folder / "coco.json", folder / "map.json"))
    assert result.frame.select("id", "item", "family", "bin").rows() == [
        ("coco/batch/0.png", "beverage_can", "metal", "recycle")
    ]
    assert result.quarantine["reason"].to_list() == ["no mapped annotation"]


def test_rendered_pictures_join_the_photographs_with_a_split_of_their_own(source, home, taxonomy):
    photographs = import_images(source, home, taxonomy, "family", name="mine")
    rows = [
        dict.fromkeys(photographs.frame.columns)
        | {"id": f"rendered/{number}", "item": "glass_jar", "source": "rendered", "sha256": f"{number // 2:02x}" * 32}
        for number in range(40)
    ]
    rendered = pl.DataFrame(rows, schema=IMAGE_SCHEMA).drop("group", "split")
    result = assemble_images(rendered, photographs)
    assert result.frame.schema == pl.Schema(IMAGE_SCHEMA)
    assert (result.read, result.lost_share) == (60, 0.0)
    assert result.frame.filter(pl.col("source") == "photograph").equals(photographs.frame)
    drawn = result.frame.filter(pl.col("source") == "rendered")
    assert dict(drawn.group_by("split").len().rows()) == {"train": 28, "validation": 6, "test": 6}
    assert drawn.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
    nothing = read_imports(home / "absent", taxonomy)
    assert assemble_images(rendered, nothing).frame.equals(drawn)


def test_progress_is_told_for_every_file(source, home, taxonomy):
    seen: list[tuple[int, int]] = []
    import_images(source, home, taxonomy, "family", progress=lambda done, total, note="": seen.append((done, total)))
    assert seen == [(number, 20) for number in range(1, 21)]


def test_a_loop_of_links_does_not_hang_an_import(source, home, taxonomy):
    (source / "glass" / "loop").symlink_to(source / "glass", target_is_directory=True)
    assert import_images(source, home, taxonomy, "family").read == 20


@pytest.mark.parametrize(
    ("labels", "name", "message"),
    [
        ("item", None, "folders that name no item: 'glass', 'trash'"),
        ("colour", None, "labels 'colour': choose one of item, material, family, bin, native"),
        ("family", "../up", r"dataset name '\.\./up': use up to 64"),
        ("native", None, "no annotation file"),
    ],
)
def test_an_import_that_cannot_start_says_why_and_leaves_nothing(source, home, taxonomy, labels, name, message):
    with pytest.raises(InputError, match=message):
        import_images(source, home, taxonomy, labels, name=name)
    assert not home.exists()


def test_a_missing_or_empty_source_is_an_input_error(tmp_path, home, taxonomy):
    with pytest.raises(InputError, match="no folder at"):
        import_images(tmp_path / "absent", home, taxonomy, "family")
    (tmp_path / "empty" / "glass").mkdir(parents=True)
    with pytest.raises(InputError, match="no pictures below"):
        import_images(tmp_path / "empty", home, taxonomy, "family")


def test_a_destination_inside_the_source_is_refused(source, taxonomy):
    with pytest.raises(InputError, match="lies inside"):
        import_images(source, source / "imports", taxonomy, "family")


def test_a_source_of_which_nothing_can_be_used_leaves_nothing(tmp_path, home, taxonomy):
    (tmp_path / "bad" / "glass").mkdir(parents=True)
    (tmp_path / "bad" / "glass" / "a.jpg").write_text("no picture")
    with pytest.raises(DataError, match=r"none of the 1 files .* glass/a\.jpg: not a picture"):
        import_images(tmp_path / "bad", home, taxonomy, "family")
    assert contents(home) == {}


def test_an_import_that_is_interrupted_leaves_what_was_there(tmp_path, source, home, taxonomy):
    import_images(source, home, taxonomy, "family", name="mine")
    before = contents(home)
    other = dataset(tmp_path / "other", metal=range(60, 70))

    def stop(done: int, total: int, note: str = "") -> None:
        if done == 5:
            raise KeyboardInterrupt

    for name in ("mine", "new"):
        with pytest.raises(KeyboardInterrupt):
            import_images(other, home, taxonomy, "family", name=name, progress=stop)
        assert contents(home) == before
    assert import_images(other, home, taxonomy, "family", name="new").frame.height == 10


def test_an_import_killed_while_it_replaces_another_leaves_the_old_one_whole(
    tmp_path, source, home, taxonomy, monkeypatch
):
    first = import_images(source, home, taxonomy, "family", name="mine")
    other = dataset(tmp_path / "other", metal=range(60, 70))
    replace = images.os.replace

    def stop(old, new):
        if Path(new).name == ANNOTATIONS:
            raise KeyboardInterrupt
        replace(old, new)

    monkeypatch.setattr(images.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        import_images(other, home, taxonomy, "family", name="mine")
    monkeypatch.undo()
    assert read_imports(home, taxonomy).frame.equals(first.frame)
    import_images(source, home, taxonomy, "family", name="mine")
    assert len(list((home / "mine" / "images").iterdir())) == 20


def test_a_full_disk_is_a_storage_error_and_leaves_nothing(source, home, taxonomy, monkeypatch):
    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="no space left"):
        import_images(source, home, taxonomy, "family", name="mine")
    monkeypatch.undo()
    assert contents(home) == {}


def test_two_imports_of_one_name_do_not_meet(source, home, taxonomy):
    home.mkdir()
    with FileLock(home / ".mine.lock"), pytest.raises(InputError, match=r"another import of 'mine' .* is running"):
        import_images(source, home, taxonomy, "family", name="mine")


def test_a_copy_that_is_gone_is_quarantined(source, home, taxonomy):
    path = Path(import_images(source, home, taxonomy, "family", name="mine").frame["path"][3])
    path.unlink()
    result = read_imports(home, taxonomy)
    assert result.frame.height == 19
    assert "is gone; import the dataset again" in result.quarantine["reason"][0]


def test_annotations_that_no_import_wrote_are_quarantined_and_broken_ones_are_an_error(home, taxonomy):
    folder = home / "mine"
    folder.mkdir(parents=True)
    (folder / "annotations.json").write_text('{"images": [{"id": 0, "file_name": "a.jpg"}], "annotations": []}')
    reasons = read_imports(home, taxonomy).quarantine["reason"].to_list()
    assert reasons == ["a.jpg has no source_file, width, height, sha256, perceptual_hash"]
    (folder / "annotations.json").write_text("{")
    with pytest.raises(InputError, match=r"annotations\.json:1: not valid JSON"):
        read_imports(home, taxonomy)


def test_trashnet_is_imported_whole_but_for_its_three_contradictions(shared_data, home, taxonomy):
    result = import_images(shared_data / "trashnet" / "images", home, taxonomy, "family", name="trashnet")
    assert (result.read, result.frame.height, result.quarantine.height) == (2021, 2015, 6)
    contradicted = {f"trashnet/{name}.jpg" for name in ("glass/glass115", "glass/glass176", "glass/glass389")}
    assert contradicted < set(result.quarantine["file"])
    groups = dict(result.frame.select("id", "group").iter_rows())
    for left, right in ((101, 108), (246, 349), (305, 308), (68, 74)):
        assert groups[f"trashnet/paper/paper{left}.jpg"] == groups[f"trashnet/paper/paper{right}.jpg"]
    assert result.frame.group_by("group").len()["len"].max() == 5
    assert set(result.frame["family"]) == {"cardboard", "glass", "metal", "paper", "plastic", "residual"}
