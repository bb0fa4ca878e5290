"""The code in the documentation, as the reader is told to type it in."""

import re
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A paragraph that begins with the name of a file and ends with the "::" of a literal block.
_BLOCK = re.compile(r"^``(?P<file>[\w/.]+)``(?P<rest>[^\n]*)::\n\n(?P<code>(?:    .*\n|\n)+)", re.M)


@dataclass(frozen=True)
class Block:
    """One file or a piece of one."""

    file: str
    code: str
    is_appended: bool

    @property
    def code_lines(self) -> list[str]:
        return [line for line in self.code.splitlines() if line.strip()]

    def write(self, directory: Path) -> None:
        path = directory / self.file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() + "\n" if self.is_appended else ""
        path.write_text(before + self.code)


def read_blocks(document: str) -> dict[str, Block]:
    """Return the blocks of a document by file name; what goes to the end of one is behind it."""
    text = (ROOT / document).read_text("utf-8")
    blocks: dict[str, Block] = {}
    for match in _BLOCK.finditer(text):
        code = textwrap.dedent(match["code"]).strip("\n") + "\n"
        block = Block(match["file"], code, is_appended="at the end" in match["rest"])
        before = blocks.get(block.file)
        if before is not None:
            assert block.is_appended, f"{block.file} is there twice"
            block = replace(before, code=f"{before.code}\n\n{code}")
        blocks[block.file] = block
    return blocks
