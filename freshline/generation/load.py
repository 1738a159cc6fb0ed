"""From settings to the generator that they name."""

from pathlib import Path

from freshline.chunking.sentences import sentence_spans
from freshline.clock import Clock, SystemClock
from freshline.embedding.libraries import quieten, set_switches
from freshline.embedding.load import has_gpu
from freshline.embedding.port import Embedder
from freshline.generation.available import available
from freshline.generation.endpoint import EndpointWriter
from freshline.generation.extractive import Extractive
from freshline.generation.guarded import Guarded
from freshline.generation.model_files import model_files
from freshline.generation.port import Generator, TokenSink
from freshline.generation.prompted import Prompted
from freshline.generation.writer import Writer
from freshline.settings import Settings


def load_generator(
    settings: Settings, embedder: Embedder, sink: TokenSink | None = None, clock: Clock | None = None
) -> Generator:
    """Return the generator, its model loaded. It serves one thread, as its embedder does.

    `sink` hears what a language model writes. Raises MissingPart, ConfigError or UnsafeModel, each saying what to do.
    """
    extractive = Extractive(embedder, sentence_spans, abstain_below=settings.serving.abstain_below)
    if settings.generation.kind == "extractive":
        return extractive
    available(settings)
    clock = clock or SystemClock()
    prompted = Prompted(
        _writer(settings),
        sentence_spans,
        clock,
        max_prompt_tokens=settings.generation.max_prompt_tokens,
        sink=sink,
    )
    chosen = settings.generation
    return Guarded(prompted, extractive, clock, timeout=chosen.timeout, budget=chosen.budget)


def _writer(settings: Settings) -> Writer:
    chosen = settings.generation
    if chosen.kind == "openai":
        key = Path(chosen.api_key_file).expanduser().read_text("utf-8").strip() if chosen.api_key_file else ""
        return EndpointWriter(
            base_url=chosen.base_url, model=chosen.model, key=key, max_tokens=chosen.max_tokens
        )
    files = model_files(settings)
    set_switches()  # from here on nothing is fetched
    quieten()
    from freshline.generation.transformers_writer import TransformersWriter  # noqa: PLC0415 - loads torch

    return TransformersWriter(
        files,
        max_tokens=chosen.max_tokens,
        max_prompt_tokens=chosen.max_prompt_tokens,
        device="cuda" if has_gpu() else "cpu",
        threads=chosen.threads,
    )
