"""What people write or import: the files at the left end of the lineage, and a hash of each group of them.

A source is an external asset: nothing makes it here, its data version is observed. What the files mean is in
`releaf.corpus`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from releaf.artifacts import content_hash, sha256_file


@dataclass(frozen=True)
class Source:
    """A group of input files. `folder` is below the authored data, or below the imports when `imported`."""

    name: str
    folder: str
    pattern: str
    description: str
    imported: bool = False

    def root(self, data_dir: Path, home: Path) -> Path:
        """The folder (or file) that holds this source."""
        return (imports_root(home) if self.imported else data_dir) / self.folder

    def files(self, data_dir: Path, home: Path) -> list[Path]:
        """Its files, sorted."""
        root = self.root(data_dir, home)
        found = (path for path in root.glob(self.pattern) if path.is_file())
        # Hidden folders are imports under way or set aside.
        return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))

    def version(self, data_dir: Path, home: Path) -> str:
        """Hash of names and contents, the source's data version."""
        root = self.root(data_dir, home)
        return content_hash([[f.relative_to(root).as_posix(), sha256_file(f)] for f in self.files(data_dir, home)])[:32]


def imports_root(home: Path) -> Path:
    """Where `releaf import` puts what it brings in."""
    return home / "imports"


def imported_files(name: str, data_dir: Path, home: Path) -> list[Path]:
    """The files of one source, by its name."""
    return next(source for source in SOURCES if source.name == name).files(data_dir, home)


SOURCES: Sequence[Source] = (
    Source("taxonomy_file", ".", "taxonomy.yaml", "Items, materials, families and bins: the names all else refers to."),
    Source("knowledge_files", "knowledge", "*.md", "Knowledge documents, Markdown with front matter."),
    Source("fact_files", "facts", "*.yaml", "Materials, properties, items and upcycling projects."),
    Source("instruction_files", "instructions", "*.yaml", "Instruction records with their answers."),
    Source("preference_files", "preferences", "*.yaml", "Prompts with a better and a worse answer."),
    Source("judgement_files", "judgements", "*.yaml", "Queries with graded relevance, development and test apart."),
    Source("policy_files", "policies", "*.json", "Disposal policies, one file a jurisdiction."),
    # An import's images are named by their hash inside its annotations, so these alone tell whether anything changed.
    Source("imported_images", "images", "*/annotations.json", "Photographs that `releaf import` brought in.", True),
    Source("imported_documents", "documents", "*/*.md", "Documents that `releaf import` brought in.", True),
    Source("imported_policies", "policies", "*.json", "Policies that `releaf import rules` made of tables.", True),
    Source("imported_instructions", "instructions", "*.json*", "Instructions that `releaf import` brought in.", True),
    # What an import set aside lies beside its triples and is no input: it makes nothing stale.
    Source("imported_facts", "facts", "*/triples.tsv", "Triples that `releaf import facts` brought in.", True),
    Source("imported_preferences", "preferences", "*.json*", "Preferences that `releaf import` brought in.", True),
)
