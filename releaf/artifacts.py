"""Files that are whole or absent: hashes, atomic writes, and directories with a manifest.

An artifact is an immutable directory: it is written beside its final place, described by `manifest.json`, and renamed.
What is inside a directory is the business of whoever writes it; where directories live is the caller's.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from releaf.errors import ArtifactError, StorageError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FileEntry:
    """Size in bytes and sha256 (hex) of one file of an artifact."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an artifact is, what it came from, and the hash of every file in it.

    `version` is the hash of its content; `inputs` maps each input's name to the version it was made from.
    """

    kind: str
    version: str
    code_version: str
    inputs: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    files: dict[str, FileEntry] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True)
class Artifact:
    """An artifact on disk whose manifest has been read."""

    path: Path
    manifest: Manifest

    @property
    def version(self) -> str:
        """Content hash, the Dagster data version."""
        return self.manifest.version

    @property
    def metrics(self) -> dict[str, float]:
        """Figures recorded when it was made."""
        return self.manifest.metrics

    def read_json(self, name: str) -> Any:
        """Parse one JSON file of the artifact."""
        return read_json(self.path / name)


def sha256_bytes(data: bytes) -> str:
    """Hex sha256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(value: Any) -> str:
    """Hex sha256 of a JSON-able value in canonical form, so that equal values have equal hashes."""
    return sha256_bytes(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """Parse a JSON file; raises `ArtifactError` naming it when it is missing or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} is not valid JSON ({error}); delete it and run again") from error


def write_json(path: Path, value: Any) -> None:
    """Write readable JSON atomically."""
    atomic_write_bytes(path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def atomic_write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old or the new content, never a part; raises `StorageError` if full."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a full or read-only disk into a `StorageError` that names the place and what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        reason = error.strerror or str(error)
        raise StorageError(
            f"cannot write {path}: {reason.lower()}; free some space or point RELEAF_HOME at another disk. "
            "What existed before is untouched"
        ) from error


def hash_directory(path: Path) -> dict[str, FileEntry]:
    """Size and hash of every file below `path` but its own manifest, by POSIX path relative to it."""
    return {
        file.relative_to(path).as_posix(): FileEntry(file.stat().st_size, sha256_file(file))
        for file in sorted(path.rglob("*"))
        if file.is_file() and file != path / MANIFEST
    }


@contextmanager
def staged_directory(parent: Path) -> Iterator[Path]:
    """Give a fresh directory inside `parent` to write to; it is gone afterwards unless it was renamed.

    Its name carries the process id, which tells a directory in use from one that a killed process left (see `sweep`).
    """
    with storage_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=parent, prefix=f".staging-{os.getpid()}-"))
    try:
        with storage_errors(parent):
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def sweep(parent: Path) -> int:
    """Remove staging directories below `parent` whose process is gone; returns how many."""
    removed = 0
    for leftover in parent.glob("**/.staging-*"):
        owner = leftover.name.split("-")[1]
        # Owner 0 stands for what was set aside and belongs to nobody.
        if owner == "0" or (owner.isdigit() and not _alive(int(owner))):
            shutil.rmtree(leftover, ignore_errors=True)
            removed += 1
    return removed


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def publish(
    staging: Path,
    parent: Path,
    *,
    kind: str,
    code_version: str,
    inputs: Mapping[str, str],
    metrics: Mapping[str, float],
    version: str | None = None,
) -> Artifact:
    """Describe a staged directory by a manifest and rename it to `parent/<version>`.

    `version` defaults to the hash of kind and files; give it where the bytes are not repeatable (an index with random
    ids) but the content is. If that version already stands there whole, it is kept and the staged one dropped.
    """
    files = hash_directory(staging)
    chosen = version or content_hash([kind, {name: entry.sha256 for name, entry in files.items()}])[:32]
    target = parent / chosen
    manifest = Manifest(kind, chosen, code_version, dict(inputs), dict(metrics), files)
    with storage_errors(parent):
        standing = _whole(target)
        if standing is not None:
            # Same content from other inputs: the files stay where readers hold them, what they came from is renewed.
            write_json(target / MANIFEST, asdict(replace(manifest, files=standing.manifest.files)))
            return open_artifact(target)
        write_json(staging / MANIFEST, asdict(manifest))
        if target.exists():
            os.rename(target, Path(tempfile.mkdtemp(dir=parent, prefix=".staging-0-")) / chosen)
        try:
            os.rename(staging, target)
        except OSError as error:  # another run published the same version in between
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
    return open_artifact(target)


def _whole(target: Path) -> Artifact | None:
    if not target.is_dir():
        return None
    try:
        return open_artifact(target)
    except ArtifactError:
        return None


def open_artifact(path: Path, *, kind: str | None = None, verify: bool = True) -> Artifact:
    """Read an artifact's manifest and check every file against it.

    Raises `ArtifactError` naming the file whose bytes were changed, the missing file, or the unexpected kind.
    """
    if not path.is_dir():
        raise ArtifactError(f"no artifact at {path}; run `releaf run` to make it again")
    raw = read_json(path / MANIFEST)
    try:
        files = {name: FileEntry(**entry) for name, entry in raw.pop("files").items()}
        manifest = Manifest(**raw, files=files)
    except (TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path / MANIFEST} does not have the fields of a manifest: {error}") from error
    if manifest.format_version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format {manifest.format_version}, this version reads {FORMAT_VERSION}; run again"
        )
    if kind is not None and manifest.kind != kind:
        raise ArtifactError(f"{path} holds a {manifest.kind}, not a {kind}")
    if verify:
        verify_files(path, manifest)
    return Artifact(path, manifest)


def verify_files(path: Path, manifest: Manifest) -> None:
    """Check every file that the manifest names; raises `ArtifactError` naming the first that differs."""
    for name, entry in manifest.files.items():
        file = path / name
        if not file.is_file():
            raise ArtifactError(f"{file} is missing; delete {path} and run `releaf run` to make it again")
        if file.stat().st_size != entry.size or sha256_file(file) != entry.sha256:
            raise ArtifactError(
                f"{file} was changed after it was published (sha256 is not {entry.sha256[:12]}…); "
                f"delete {path} and run `releaf run` to make it again"
            )
