from __future__ import annotations

from pathlib import Path

import pytest

from releaf.corpus.trec import read_trec
from releaf.errors import InputError

DOCUMENTS = """<DOC>
<DOCNO> AP-1 </DOCNO>
<HEADLINE> Glass <b>again</b> </HEADLINE>
<TEXT>
It is inert.
</TEXT>
<TEXT> It melts. </TEXT>
</DOC>
<doc><docno>AP-2</docno><text>Steel rusts.</text></doc>
"""
TOPICS = """<top>
<num> Number: 301
<title> what is glass
<desc> Description:
Documents on glass.
</top>
<top> <num> 302 <title> Topic: rust </top>
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    paths = (tmp_path / "documents.trec", tmp_path / "topics.txt", tmp_path / "adhoc.qrels")
    for path, content in zip(paths, (DOCUMENTS, TOPICS, "301 0 AP-1 2\n301 0 AP-2 -2\n"), strict=True):
        path.write_text(content)
    return paths


def test_tagged_documents_topics_and_judgements_become_a_collection(files):
    result = read_trec(*files)
    assert result.name == "adhoc"
    assert result.documents.rows() == [
        ("AP-1", "Glass again", "It is inert. It melts."),
        ("AP-2", "", "Steel rusts."),
    ]
    assert result.queries.rows() == [("301", "what is glass")]
    assert result.qrels.rows() == [("301", "AP-1", 2), ("301", "AP-2", 0)]


def test_documents_may_lie_in_a_folder_of_files(files, tmp_path):
    folder = tmp_path / "documents"
    folder.mkdir()
    files[0].rename(folder / "a")
    (folder / "b").write_text("<DOC><DOCNO>AP-3</DOCNO><TEXT>x</TEXT></DOC>")
    assert read_trec(folder, *files[1:]).documents["id"].to_list() == ["AP-1", "AP-2", "AP-3"]


@pytest.mark.parametrize(
    ("which", "content", "message"),
    [
        (0, "<DOC>\n<TEXT>x</TEXT></DOC>", r"documents\.trec:1: expected <DOCNO>"),
        (0, DOCUMENTS + DOCUMENTS, r"documents\.trec:10: document 'AP-1' was given before"),
        (0, "nothing", "no <DOC> … </DOC> in"),
        (1, "\n<top> <num> 301 </top>", r"topics\.txt:2: expected <num> and <title>"),
        (2, "301 AP-1 1", r"adhoc\.qrels:1: expected topic, iteration, document and grade"),
        (2, "301 0 AP-1 x", r"adhoc\.qrels:1: expected topic"),
        (2, "301 0 AP-9 1", r"adhoc\.qrels:1: document 'AP-9' is not among the 2 documents"),
        (2, "", "has no judgements"),
    ],
)
def test_a_broken_part_is_an_error_that_says_where(files, which, content, message):
    files[which].write_text(content)
    with pytest.raises(InputError, match=message):
        read_trec(*files)


def test_a_missing_file_is_named(files):
    files[1].unlink()
    with pytest.raises(InputError, match=r"topics\.txt"):
        read_trec(*files)
