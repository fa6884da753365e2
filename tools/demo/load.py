# SPDX-License-Identifier: Apache-2.0
"""The load: the official OpenAI client under the official OpenTelemetry instrumentation. What the client itself saw of
each call is kept beside it, as the truth that strata's rows are compared with."""

import dataclasses
import os
import random
import threading
import time

MODEL = "tiny"
TENANTS = ("acme", "globex", "initech")


@dataclasses.dataclass
class Seen:
    status: str  # ok | error | aborted
    tenant: str
    started: float
    ended: float
    input_tokens: int = 0  # of the answer's usage; 0 where the call had none
    output_tokens: int = 0
    ttft_s: float = None
    trace_id: str = ""


class Load:
    def __init__(self, engine_url, otlp_http, kind):
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
        import httpx
        import openai
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        here = self.here = threading.local()

        class Tenant(SpanProcessor):  # an application's own way to say whose call this is
            def on_start(self, span, parent_context=None):
                span.set_attribute("tenant.id", getattr(here, "tenant", TENANTS[0]))
                here.trace_id = f"{span.get_span_context().trace_id:032x}"

        provider = TracerProvider(resource=Resource.create({"service.name": "strata-demo"}))
        provider.add_span_processor(Tenant())
        provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=otlp_http.rstrip("/") + "/v1/traces"),
                schedule_delay_millis=1000,
                max_queue_size=8192,
            )
        )
        trace.set_tracer_provider(provider)
        self.provider = provider
        OpenAIInstrumentor().instrument(tracer_provider=provider)
        if kind == "vllm":
            self._carry_context()
        self.failures = (
            openai.APIError,
            httpx.TransportError,
        )  # refused, or the engine went away in the middle
        self.client = openai.OpenAI(
            base_url=engine_url + "/v1", api_key="none", max_retries=0, timeout=600
        )
        self.calls, self.lock = [], threading.Lock()
        self.stopping = threading.Event()

    @staticmethod
    def _carry_context():
        """vLLM's span becomes a child of the caller's when the request carries `traceparent`."""
        import httpx
        from opentelemetry.propagate import inject

        send = httpx.Client.send

        def with_context(self, request, **kwargs):
            inject(request.headers)
            return send(self, request, **kwargs)

        httpx.Client.send = with_context

    def call(self, rng, tokens, stream=True, hang_up_after=0, too_long=False):
        """One call; hang_up_after = chunks after which the client closes the stream."""
        self.here.tenant = rng.choice(TENANTS)
        self.here.trace_id = ""
        seen = Seen("error", self.here.tenant, time.time(), 0.0)
        words = 4000 if too_long else rng.randint(6, 30)
        prompt = " ".join(
            rng.choice(("why", "is", "the", "sky", "so", "blue", "today")) for _ in range(words)
        )
        given = {
            "model": MODEL,
            "max_tokens": tokens,
            "messages": [{"role": "user", "content": prompt[: 6000 if too_long else 120]}],
            "extra_body": {"ignore_eos": True},
        }
        try:
            if not stream:
                usage = self.client.chat.completions.create(**given).usage
                seen.status, seen.input_tokens, seen.output_tokens = (
                    "ok",
                    usage.prompt_tokens,
                    usage.completion_tokens,
                )
            else:
                self._stream(given, seen, hang_up_after)
        except self.failures:
            seen.status = "error"
        seen.ended = time.time()
        seen.trace_id = self.here.trace_id
        with self.lock:
            self.calls.append(seen)
        return seen

    def _stream(self, given, seen, hang_up_after):
        chunks = 0
        stream = self.client.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **given
        )
        try:
            for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content is not None:
                    chunks += 1
                    if seen.ttft_s is None:
                        seen.ttft_s = time.time() - seen.started
                if chunk.usage:
                    seen.status = "ok"
                    seen.input_tokens, seen.output_tokens = (
                        chunk.usage.prompt_tokens,
                        chunk.usage.completion_tokens,
                    )
                if hang_up_after and chunks >= hang_up_after:
                    seen.status = "aborted"
                    return
        finally:
            stream.close()  # the instrumentation's own context manager would leave the connection open

    def workers(self, count, seconds, tokens, pause_s=0.0, hang_up=0.0, tick=None, errors=0):
        """`count` callers for `seconds`; a share `hang_up` of the calls is left in the middle. Waits for open calls."""
        end = time.monotonic() + seconds
        first = len(self.calls)

        def work(number):
            rng = random.Random(f"{number}.{first}")
            while time.monotonic() < end and not self.stopping.is_set():
                leave = rng.random() < hang_up
                self.call(
                    rng,
                    rng.randint(*tokens),
                    stream=leave or rng.random() < 0.85,
                    hang_up_after=rng.randint(2, 12) if leave else 0,
                )
                self.stopping.wait(pause_s * (0.5 + rng.random()))

        threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(count)]
        for thread in threads:
            thread.start()
        for number in range(errors):
            self.call(random.Random(number), 16, too_long=True)
        told = time.monotonic()
        while any(t.is_alive() for t in threads):
            time.sleep(0.2)
            if self.stopping.is_set():
                break
            if tick and time.monotonic() - told >= 10:
                told = time.monotonic()
                tick(self.calls[first:])
        return self.calls[first:]

    def flush(self):
        self.provider.force_flush(10000)

    def truth(self):
        """Exact counts of what the client saw; tokens only of completed calls, where the answer told them."""
        out = {
            "calls": len(self.calls),
            "statuses": {},
            "input_tokens": 0,
            "output_tokens": 0,
            "by_tenant": {},
        }
        for seen in self.calls:
            out["statuses"][seen.status] = out["statuses"].get(seen.status, 0) + 1
            out["by_tenant"][seen.tenant] = out["by_tenant"].get(seen.tenant, 0) + 1
            if seen.status == "ok":
                out["input_tokens"] += seen.input_tokens
                out["output_tokens"] += seen.output_tokens
        return out


def quantile(values, q):
    ordered = sorted(v for v in values if v is not None)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None
