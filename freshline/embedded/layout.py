"""Names inside the stack's folder. Knows nothing of what is in them.

.freshline/
  state.json lock        what runs, and who may run it
  logs/<part>.log        what each part wrote; supervisor.log: starts, ends, restarts
  run/<part>.json        pid and port of a part's /healthz
  broker/ redis/ lake/   data
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one stack."""

    root: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor for its life."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """One file a part."""
        return self.root / "logs"

    @property
    def broker(self) -> Path:
        """The broker's data and configuration."""
        return self.root / "broker"

    @property
    def redis(self) -> Path:
        """The working folder of redis-server."""
        return self.root / "redis"

    @property
    def lake(self) -> Path:
        """Tables and segments."""
        return self.root / "lake"

    def log(self, part: str) -> Path:
        """Return a part's log file."""
        return self.logs / f"{part}.log"

    def run(self, part: str) -> Path:
        """Return the file in which a part records its port."""
        return self.root / "run" / f"{part}.json"

    def create(self) -> None:
        """Make the folders."""
        for path in (self.logs, self.root / "run"):
            path.mkdir(parents=True, exist_ok=True)
