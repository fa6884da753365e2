# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry Collector between senders and strata: OTLP in, OTLP and remote write out, nothing lost or changed.

The Collector is built from its Go modules (about five minutes on two cores the first time) and kept in the cache."""

import gzip
import http.server
import os
import shutil
import subprocess
import threading
import time

import pytest

from conftest import ROOT, Process, cache, free_ports

pytestmark = pytest.mark.peer("collector")
SOURCE = ROOT / "tests" / "peers" / "collector"
BUILD_LIMIT_S = 1200
CONFIG = """\
receivers:
  otlp:
    protocols:
      grpc: {{endpoint: "127.0.0.1:{grpc}"}}
      http: {{endpoint: "127.0.0.1:{http}"}}
  prometheus:
    config:
      scrape_configs:
        - job_name: engines
          scrape_interval: 2s
          static_configs: [{{targets: ["127.0.0.1:{page}"]}}]
processors:
  batch: {{timeout: 200ms}}
exporters:
  otlp: {{endpoint: "127.0.0.1:{strata_grpc}", tls: {{insecure: true}}, compression: gzip}}
  otlphttp: {{endpoint: "http://127.0.0.1:{strata_http}", compression: zstd}}
  prometheusremotewrite: {{endpoint: "http://127.0.0.1:{strata_api}/api/v1/write"}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [otlp]}}
    logs: {{receivers: [otlp], processors: [batch], exporters: [otlphttp]}}
    metrics/otlp: {{receivers: [otlp], processors: [batch], exporters: [otlphttp]}}
    metrics/scraped: {{receivers: [prometheus], processors: [batch], exporters: [{scraped}]}}
"""


def build():
    """The Collector's program, from the cache or built now."""
    program = cache() / "collector-0.165.0"
    if not program.exists():
        assert shutil.which("go"), "the Collector needs Go 1.26 or newer to build"
        began = time.monotonic()
        print(
            "building the OpenTelemetry Collector from Go modules, about five minutes", flush=True
        )
        made = subprocess.run(
            ["go", "build", "-o", str(program) + ".part", "."],
            cwd=SOURCE,
            timeout=BUILD_LIMIT_S,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr[-2000:]
        os.rename(str(program) + ".part", program)
        print(f"built in {time.monotonic() - began:.0f} s", flush=True)
    return program


@pytest.fixture(scope="module")
def engine_page():
    """A recorded vLLM page behind a real HTTP server."""
    body = gzip.decompress(
        (ROOT / "worlds" / "demo" / "recordings" / "vllm-0.32.prom.gz").read_bytes()
    )

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def start(strata, page, folder, scraped):
    grpc, http_port = free_ports(2)
    config = folder / "collector.yaml"
    config.write_text(
        CONFIG.format(
            grpc=grpc,
            http=http_port,
            page=page,
            strata_grpc=strata.grpc_port,
            strata_http=strata.http_port,
            strata_api=strata.api_port,
            scraped=scraped,
        )
    )
    process = Process([build(), "--config", config], folder / "collector.log")
    process.wait_until(lambda: "Everything is ready" in process.text(), 30, "collector")
    return process, grpc, http_port


@pytest.fixture(scope="module", params=["otlp", "prometheusremotewrite"])
def through(request, new_strata, engine_page, tmp_path_factory):
    """(strata, collector's OTLP ports, how the scraped page travels)."""
    strata = new_strata()
    process, grpc, http_port = start(
        strata, engine_page, tmp_path_factory.mktemp("collector"), request.param
    )
    yield strata, grpc, http_port, request.param
    process.stop()


def test_spans_arrive_whole_and_once(through):
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind

    strata, grpc, _, _ = through
    provider = TracerProvider(resource=Resource.create({"service.name": "caller"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"127.0.0.1:{grpc}", insecure=True))
    )
    tracer, ids = provider.get_tracer("peers"), []
    for number in range(50):
        with tracer.start_as_current_span(
            "chat tiny",
            kind=SpanKind.CLIENT,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "tiny",
                "gen_ai.response.id": f"r{number}",
                "gen_ai.usage.input_tokens": 10 + number,
                "gen_ai.usage.output_tokens": number,
                "gen_ai.response.finish_reasons": ["stop"],
            },
        ) as span:
            ids.append(f"{span.get_span_context().trace_id:032x}")
    assert provider.force_flush(10000)
    wanted = ", ".join(f"'{i}'" for i in ids)

    def ask():
        found = strata.sql(
            f"SELECT count() AS n, uniqExact(TraceId) AS traces FROM otel_traces WHERE TraceId IN ({wanted})"
        )
        return int(found[0]["n"]) >= 50 and found

    found = strata.eventually(ask, 30, "the spans did not arrive")
    assert (int(found[0]["n"]), int(found[0]["traces"])) == (50, 50)

    def joined():
        got = strata.sql(
            f"SELECT count() AS n, sum(input_tokens) AS i, sum(output_tokens) AS o FROM requests WHERE trace_id IN ({wanted})"
        )
        return int(got[0]["n"] or 0) == 50 and got

    # A minute closes 20 s after its end, and within half a minute more where nobody looks.
    got = strata.eventually(joined, 120, "the calls did not become rows")
    assert (int(got[0]["i"]), int(got[0]["o"])) == (sum(10 + n for n in range(50)), sum(range(50)))


def test_metrics_arrive_with_their_values(through):
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    strata, _, http_port, _ = through
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"http://127.0.0.1:{http_port}/v1/metrics"),
        export_interval_millis=3_600_000,
    )
    provider = MeterProvider(
        [reader], resource=Resource.create({"service.name": "caller", "host.name": "peer-host"})
    )
    meter = provider.get_meter("peers")
    meter.create_counter("peers.made_up", unit="{call}").add(41, {"where": "here"})
    meter.create_gauge("system.cpu.load_average.1m", unit="{thread}").set(3.5)
    assert provider.force_flush(10000)

    def ask():
        found = strata.sql(
            "SELECT signal, layer, value FROM measurements WHERE signal IN "
            "('peers.made_up', 'system.cpu.load_average.1m') AND value IN (41, 3.5)"
        )
        return len({row["signal"] for row in found}) == 2 and found

    found = strata.eventually(ask, 30, "the metrics did not arrive")
    assert {row["layer"] for row in found if row["signal"] == "peers.made_up"} == {"other"}
    provider.shutdown()


def test_a_page_scraped_by_the_collector_is_an_engine(through):
    """The recorded page's own values, whichever way the Collector sends them on."""
    strata, _, _, scraped = through

    def ask():
        found = strata.sql(
            "SELECT signal, value FROM measurements WHERE layer = 'l6_infer' AND signal IN "
            "('inference.kv_usage_ratio', 'inference.preemptions', 'inference.generation_tokens') "
            "ORDER BY ts DESC LIMIT 1 BY signal"
        )
        return len(found) == 3 and {row["signal"]: float(row["value"]) for row in found}

    got = strata.eventually(ask, 60, f"the page did not arrive by {scraped}")
    page = gzip.decompress(
        (ROOT / "worlds" / "demo" / "recordings" / "vllm-0.32.prom.gz").read_bytes()
    ).decode()
    want = {
        name: float(
            next(line for line in page.splitlines() if line.startswith(f"vllm:{name}{{")).split()[
                -1
            ]
        )
        for name in ("kv_cache_usage_perc", "num_preemptions_total", "generation_tokens_total")
    }
    assert got == {
        "inference.kv_usage_ratio": want["kv_cache_usage_perc"],
        "inference.preemptions": want["num_preemptions_total"],
        "inference.generation_tokens": want["generation_tokens_total"],
    }


def test_logs_arrive(through):
    import requests

    strata, _, http_port, _ = through
    now = str(time.time_ns())
    body = {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": [{"key": "service.name", "value": {"stringValue": "caller"}}]
                },
                "scopeLogs": [
                    {
                        "scope": {"name": "peers"},
                        "logRecords": [
                            {
                                "timeUnixNano": now,
                                "severityNumber": 17,
                                "severityText": "ERROR",
                                "body": {"stringValue": "a line through the collector"},
                            }
                        ],
                    }
                ],
            }
        ]
    }
    assert (
        requests.post(f"http://127.0.0.1:{http_port}/v1/logs", json=body, timeout=10).status_code
        == 200
    )
    strata.eventually(
        lambda: (
            strata.sql(
                "SELECT ServiceName, SeverityText FROM otel_logs WHERE Body = 'a line through the collector'"
            )
            == [{"ServiceName": "caller", "SeverityText": "ERROR"}]
        ),
        30,
        "the log did not arrive",
    )
