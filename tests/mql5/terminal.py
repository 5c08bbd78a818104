"""A terminal's folders and settings, as a program that runs in it finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Terminal:
    """A terminal that is not there: two folders of files, and what its user allowed.

    Attributes:
        folder: holds everything; made where it is missing.
        allow_dll: Tools > Options > Expert Advisors > Allow DLL imports.
        allowed_addresses: the list below "Allow WebRequest for listed URL".
        settings: further lines of the runtime's configuration, for all programs that run here.
    """

    folder: Path
    allow_dll: bool = False
    allowed_addresses: tuple[str, ...] = ("127.0.0.1",)
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.files, self.agent_files, self.common_files, self.runs):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def files(self) -> Path:
        """`MQL5/Files`: what FileOpen sees."""
        return self.folder / "MQL5" / "Files"

    @property
    def agent_files(self) -> Path:
        """What FileOpen sees in the Strategy Tester, whose agents have a folder of their own."""
        return self.folder / "Agent" / "MQL5" / "Files"

    @property
    def common_files(self) -> Path:
        """What FileOpen with FILE_COMMON sees."""
        return self.folder / "Common" / "Files"

    @property
    def runs(self) -> Path:
        """One folder for each program that ran: its configuration, journal and report."""
        return self.folder / "runs"

    def lines(self) -> dict[str, object]:
        """Its part of a program's configuration."""
        return {
            "data_folder": self.files.parent,
            "common_folder": self.common_files.parent,
            "allow_dll": self.allow_dll,
            "allowed_addresses": ",".join(self.allowed_addresses),
            **self.settings,
        }
