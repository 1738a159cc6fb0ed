"""kafka-python's errors as Freshline's, by what the caller can do: stop, retry, or tell the user."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors

from freshline.errors import Fenced, FreshlineError, MissingPart, TransientError, UserError

#: Another producer holds the transactional id, or the group has gone on without this member (KIP-447, KIP-588).
_FENCED = (
    errors.ProducerFencedError,
    errors.InvalidProducerEpochError,
    errors.FencedInstanceIdError,
    errors.CommitFailedError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)
_REFUSED = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.UnsupportedVersionError,
    errors.KafkaConfigurationError,
    errors.InvalidReplicationFactorError,
    errors.PolicyViolationError,
    errors.InvalidConfigurationError,
)
_TOO_LARGE = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)


@contextmanager
def translated(step: str) -> Iterator[None]:
    """Raise Fenced, UserError or TransientError for whatever kafka-python raises inside the block."""
    try:
        yield
    except (errors.KafkaError, OSError) as exc:
        raise _translate(step, exc) from exc


@contextmanager
def first_contact(bootstrap: str) -> Iterator[None]:
    """Raise MissingPart where no broker answers: at the start of a process this is for the user to mend."""
    try:
        yield
    except (errors.KafkaTimeoutError, errors.KafkaConnectionError, OSError) as exc:
        raise MissingPart(
            f"no Kafka broker answers at {bootstrap} (kafka.bootstrap); expected one within 10 s. Check the address and "
            "that the broker runs; a local one is started by: freshline up"
        ) from exc
    except errors.KafkaError as exc:
        raise _translate(f"connecting to {bootstrap}", exc) from exc


def _translate(step: str, exc: Exception) -> FreshlineError:
    message = f"{step}: {exc}"
    if isinstance(exc, _FENCED):
        return Fenced(message)
    if isinstance(exc, _TOO_LARGE):
        return UserError(f"{message}. The topic's max.message.bytes, or the record's size, is to be changed")
    if isinstance(exc, _REFUSED):
        return UserError(
            f"{message}. The broker refuses this client: check [kafka] and the broker's access rules"
        )
    return TransientError(message)
