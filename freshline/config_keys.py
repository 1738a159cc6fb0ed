"""Which settings there are, of what type, and how a value becomes one. Knows no source of values.

A key is `section.name`; for collections `collections.open` or `collections.<collection>.<name>`.
"""

import difflib
import types
from collections.abc import Mapping
from dataclasses import Field, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from freshline.errors import ConfigError
from freshline.settings import CollectionSettings, Settings

COLLECTIONS = "collections"
_PLAIN = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@cache
def known() -> Mapping[str, type]:
    """Return {key: type} of every setting but the collections' own."""
    found = {}
    for section, cls in get_type_hints(Settings).items():
        hints = get_type_hints(cls)
        found.update(
            {f"{section}.{name}": hint for name, hint in hints.items() if not _nested(section, name)}
        )
    return types.MappingProxyType(found)


@cache
def of_collection() -> Mapping[str, type]:
    """Return {name: type} of what one collection's section may hold."""
    return types.MappingProxyType(get_type_hints(CollectionSettings))


def help_of(key: str) -> str:
    """Return what a setting is for."""
    section, _, name = key.partition(".")
    cls: Any = get_type_hints(Settings)[section]
    if section == COLLECTIONS and "." in name:
        cls, name = CollectionSettings, name.rpartition(".")[2]
    entry: Field[Any] = next(each for each in fields(cls) if each.name == name)
    return str(entry.metadata.get("help", ""))


def defaults() -> dict[str, Any]:
    """Return {key: default} of every setting, the collections' common section included."""
    settings = Settings()
    found = {key: getattr(getattr(settings, key.split(".")[0]), key.split(".")[1]) for key in known()}
    common = settings.collections.default
    return found | {f"{COLLECTIONS}.default.{name}": getattr(common, name) for name in of_collection()}


def type_of(key: str, value: object, origin: str) -> Any:
    """Return a key's type. Raises ConfigError that names key, value and the nearest key there is."""
    if (found := known().get(key)) is not None:
        return found
    parts = key.split(".")
    if parts[0] == COLLECTIONS and len(parts) == 3 and parts[2] in of_collection():  # noqa: PLR2004 - the form above
        return of_collection()[parts[2]]
    raise ConfigError(f"{origin} sets {key} = {value!r}, but there is no such setting. {_nearest(key)}")


def convert(key: str, value: object, origin: str) -> Any:
    """Return a value in its key's type; text is parsed where it came from text. Raises ConfigError."""
    wanted = type_of(key, value, origin)
    parsed = _parse(value, wanted) if isinstance(value, str) else value
    try:
        return msgspec.convert(parsed, wanted, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise ConfigError(f"{origin} sets {key} = {value!r}, expected {expectation(wanted)}.") from error


def expectation(wanted: Any) -> str:
    """Say in words what a type accepts."""
    if get_origin(wanted) is Literal:
        return "one of " + ", ".join(get_args(wanted))
    if get_origin(wanted) is tuple:
        items = "whole numbers" if int in get_args(wanted) else "texts"
        return f"a list of {items} (as text: separated by commas)"
    if get_origin(wanted) is dict:
        return "a table of texts (as text: key=value,key=value)"
    return _PLAIN.get(wanted, str(wanted))


def build(values: Mapping[str, Any]) -> Settings:
    """Return the settings that converted values give, defaults for the rest."""
    sections: dict[str, dict[str, Any]] = {}
    collections: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        if section == COLLECTIONS and "." in name:
            collection, _, item = name.rpartition(".")
            collections.setdefault(collection, {})[item] = value
        else:
            sections.setdefault(section, {})[name] = value
    sections.setdefault(COLLECTIONS, {}).update(_collections(collections))
    hints = get_type_hints(Settings)
    return Settings(**{name: hints[name](**held) for name, held in sections.items()})


def _collections(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Every named collection starts from [collections.default]."""
    common = dict(given.get("default", {}))
    named = {
        name: CollectionSettings(**{**common, **own}) for name, own in given.items() if name != "default"
    }
    return {"default": CollectionSettings(**common), "named": named}


def _nested(section: str, name: str) -> bool:
    return section == COLLECTIONS and name in {"default", "named"}


def _parse(text: str, wanted: Any) -> object:
    if get_origin(wanted) is tuple:
        return [item.strip() for item in text.split(",") if item.strip()]
    if get_origin(wanted) is dict:
        return dict(item.split("=", 1) for item in text.split(",") if "=" in item)
    return text


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, [*known(), *_common_keys()], n=1)
    return f"Did you mean {near[0]}?" if near else "`freshline config show` lists all settings."


def _common_keys() -> list[str]:
    return [f"{COLLECTIONS}.default.{name}" for name in of_collection()]
