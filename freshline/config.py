"""Where values of settings come from: defaults < freshline.toml < FRESHLINE_SECTION__KEY < --set section.key=value.

    FRESHLINE_SPARK__TASKS=1 freshline stream --set stream.max_records=500

The file is ./freshline.toml, $FRESHLINE_CONFIG or --config FILE. An unknown key or a value of the wrong kind refuses
to start. Secrets are only ever named by file. Empty addresses are those of the stack that `freshline up` runs.
Knows neither what a setting does nor what it may be (freshline.settings, config_keys, config_checks).
"""

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from freshline import config_checks, config_keys
from freshline.embedded import state
from freshline.errors import ConfigError, MissingPart
from freshline.settings import Settings

FILE = "freshline.toml"
_PREFIX = "FRESHLINE_"
_SETTABLE = ("kafka", "redis", "lake")
_ADDRESSES = {"kafka": "kafka.bootstrap", "redis": "redis.url", "lake": "lake.uri"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, and for each key that is not a default's where its value came from."""

    settings: Settings
    origins: Mapping[str, str]

    def origin(self, key: str) -> str:
        """Return a file's name, a variable's name, `--set`, `the running stack` or `default`."""
        return self.origins.get(key, "default")


@dataclass(frozen=True, slots=True)
class Arguments:
    """A command line taken apart: overrides, the file if named, and what is not about settings."""

    overrides: tuple[str, ...]
    file: Path | None
    rest: tuple[str, ...]


def from_environment(argv: Sequence[str], needs: Iterable[str] = _SETTABLE) -> Settings:
    """Return the settings of this process: what a room's __main__ calls, once.

    argv: --set section.key=value (repeatable) and --config FILE. needs: parts among kafka, redis, lake whose
    address must be known. Raises ConfigError, or MissingPart where an address is neither set nor the stack's.
    """
    arguments = split(argv)
    if arguments.rest:
        raise ConfigError(
            f"Unknown argument {arguments.rest[0]!r}, expected --set section.key=value or --config FILE."
        )
    return with_addresses(load(arguments.overrides, os.environ, arguments.file), needs).settings


def split(argv: Sequence[str]) -> Arguments:
    """Take `--set X`, `--set=X`, `--config F`, `--config=F` out of a command line. Raises ConfigError."""
    overrides: list[str] = []
    files: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        option, equals, value = word.partition("=")
        target = {"--set": overrides, "--config": files}.get(option)
        if target is None:
            rest.append(word)
        elif not equals and (value := next(words, "")) == "":
            raise ConfigError(f"{option} stands without a value; example: --set spark.tasks=1")
        else:
            target.append(value)
    return Arguments(tuple(overrides), Path(files[-1]) if files else None, tuple(rest))


def load(overrides: Sequence[str], environ: Mapping[str, str], file: Path | None = None) -> Loaded:
    """Read every source and check the result. Raises ConfigError naming key, value and expectation."""
    given: dict[str, tuple[Any, str]] = {}
    path = file or Path(environ.get("FRESHLINE_CONFIG") or FILE)
    named = file is not None or bool(environ.get("FRESHLINE_CONFIG"))
    for key, value, origin in [
        *_from_file(path, named=named),
        *_from_variables(environ),
        *_from_flags(overrides),
    ]:
        converted = config_keys.convert(key, value, origin)
        if isinstance(converted, dict):
            converted = {**given.get(key, ({}, ""))[0], **converted}
        given[key] = (converted, origin)
    settings = config_keys.build({key: value for key, (value, _) in given.items()})
    loaded = Loaded(settings, {key: origin for key, (_, origin) in given.items()})
    config_checks.check(settings, loaded.origin)
    return loaded


def with_addresses(loaded: Loaded, needs: Iterable[str] = ()) -> Loaded:
    """Fill empty addresses with the running stack's. Raises MissingPart for a needed one that stays empty."""
    settings, origins = loaded.settings, dict(loaded.origins)
    running = state.addresses(Path(settings.stack.directory))
    for part, key in _ADDRESSES.items():
        section, name = key.split(".")
        held = getattr(settings, section)
        if getattr(held, name):
            continue
        if address := running.get(key):
            settings = replace(settings, **{section: replace(held, **{name: address})})
            origins[key] = "the running stack"
        elif part in needs:
            raise MissingPart(
                f"No stack is running here ({settings.stack.directory}): run `freshline up`, or set {key}."
            )
    return Loaded(settings, origins)


def values(loaded: Loaded) -> dict[str, Any]:
    """Return {key: value} of every setting, collections with sections of their own included."""
    found = {}
    for key in config_keys.defaults():
        held: Any = loaded.settings
        for name in key.split("."):
            held = getattr(held, name)
        found[key] = held
    for name, collection in loaded.settings.collections.named.items():
        for item in config_keys.of_collection():
            found[f"collections.{name}.{item}"] = getattr(collection, item)
    return found


def _from_file(path: Path, *, named: bool) -> list[tuple[str, object, str]]:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if not named:
            return []
        raise ConfigError(f"The settings file {path} does not exist.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"The settings file {path} cannot be read: {error}.") from error
    return [(key, value, str(path)) for key, value in _flat(table)]


def _flat(table: Mapping[str, Any], above: str = "") -> list[tuple[str, object]]:
    """[a.b] c = 1 gives a.b.c, but a table that is itself a value (spark.conf) stays one."""
    found: list[tuple[str, object]] = []
    for name, value in table.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and key not in config_keys.known():
            found += _flat(value, f"{key}.")
        else:
            found.append((key, value))
    return found


def _from_variables(environ: Mapping[str, str]) -> list[tuple[str, object, str]]:
    found: list[tuple[str, object, str]] = []
    for name in sorted(environ):
        if name.startswith(_PREFIX) and "__" in name:
            found.append((name.removeprefix(_PREFIX).lower().replace("__", "."), environ[name], name))
        elif name.startswith(_PREFIX):
            _refuse_near_miss(name, environ[name])
    return found


def _refuse_near_miss(name: str, value: str) -> None:
    """FRESHLINE_KAFKA_BOOTSTRAP is a slip; FRESHLINE_ANYTHING_ELSE is somebody else's variable."""
    for key in config_keys.known():
        if name == _PREFIX + key.upper().replace(".", "_"):
            right = _PREFIX + key.upper().replace(".", "__")
            raise ConfigError(
                f"{name} = {value!r} sets nothing, expected {right} (two underscores after the section)."
            )


def _from_flags(overrides: Sequence[str]) -> list[tuple[str, object, str]]:
    found: list[tuple[str, object, str]] = []
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set {override!r} has no value, expected section.key=value.")
        if key.startswith("spark.conf.") and key not in config_keys.known():
            found.append(("spark.conf", {key.removeprefix("spark.conf."): value}, "--set"))
        else:
            found.append((key, value, "--set"))
    return found
