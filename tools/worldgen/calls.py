# SPDX-License-Identifier: Apache-2.0
"""Spans of the same calls: the caller's, and for calls that the engine finished its `llm_request` below.

A caller that hangs up leaves a span without usage and without an error, as the real instrumentation does, and the
engine sends none. Calls refused for their length never reach the engine's counters.
"""

import collections
import copy
import random

from worldgen import otlp, story

FLUSH_S = 10.0
REFUSED_EVERY = 140  # one call in so many asks for more than the context holds
NETWORK_S = 0.0021


def _ids(rng):
    return (
        f"{rng.getrandbits(128):032x}",
        f"{rng.getrandbits(64):016x}",
        f"{rng.getrandbits(64):016x}",
    )


def _request(call):
    common = {"gen_ai.operation.name": "chat", "gen_ai.request.model": story.MODEL}
    if call.tenant.legacy:
        common["gen_ai.system"] = "openai"
    else:
        common["gen_ai.provider.name"] = "openai"
        common["gen_ai.request.stream"] = True
    host, port = story.ENGINE_TARGET.split(":")
    common.update(
        {
            "gen_ai.request.max_tokens": call.tenant.max_tokens,
            "server.address": host,
            "server.port": int(port),
            "tenant.id": call.tenant.name,
        }
    )
    return common


def _client(call, trace, span, response):
    attrs = _request(call)
    if call.status != "refused":
        attrs.update({"gen_ai.response.model": story.MODEL, "gen_ai.response.id": response})
    status = {}
    if call.status == "ok":
        attrs.update(
            {"gen_ai.usage.input_tokens": call.prompt, "gen_ai.usage.output_tokens": call.output}
        )
        if not call.tenant.legacy:
            attrs.update(
                {
                    "gen_ai.response.finish_reasons": [call.reason],
                    "gen_ai.usage.cache_read.input_tokens": call.cached,
                    "gen_ai.response.time_to_first_chunk": round(
                        call.first - call.arrive + 2 * NETWORK_S, 6
                    ),
                }
            )
    elif call.status == "refused":
        attrs["error.type"] = "BadRequestError"
        status = {"code": 2, "message": "Error code: 400 - maximum context length is 8192 tokens"}
    elif not call.tenant.legacy and call.first:
        attrs["gen_ai.response.time_to_first_chunk"] = round(
            call.first - call.arrive + 2 * NETWORK_S, 6
        )
    return {
        "traceId": trace,
        "spanId": span,
        "name": f"chat {story.MODEL}",
        "kind": 3,
        "startTimeUnixNano": otlp.nanos(call.arrive - NETWORK_S),
        "endTimeUnixNano": otlp.nanos(call.ended + NETWORK_S),
        "attributes": otlp.attributes(attrs),
        "status": status,
    }


def _server(call, trace, parent, span, response):
    attrs = {
        "gen_ai.latency.time_to_first_token": round(call.first - call.arrive, 6),
        "gen_ai.latency.e2e": round(call.ended - call.arrive, 6),
        "gen_ai.latency.time_in_queue": round(call.scheduled - call.arrive, 6),
        "gen_ai.usage.prompt_tokens": call.prompt,
        "gen_ai.usage.completion_tokens": call.output,
        "gen_ai.latency.time_in_model_prefill": round(call.first - call.scheduled, 6),
        "gen_ai.latency.time_in_model_decode": round(call.last - call.first, 6),
        "gen_ai.latency.time_in_model_inference": round(call.last - call.scheduled, 6),
        "gen_ai.request.id": response,
        "gen_ai.request.top_p": 1.0,
        "gen_ai.request.max_tokens": call.tenant.max_tokens,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.n": 1,
    }
    return {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": parent,
        "name": "llm_request",
        "kind": 2,
        "startTimeUnixNano": otlp.nanos(call.arrive),
        "endTimeUnixNano": otlp.nanos(call.ended),
        "attributes": otlp.attributes(attrs),
        "status": {},
    }


def refused(calls, rng):
    """Calls that the engine's front refuses at once, beside every REFUSED_EVERY-th real one."""
    out = []
    for call in calls[REFUSED_EVERY // 2 :: REFUSED_EVERY]:
        twin = copy.copy(call)
        twin.status, twin.arrive = "refused", call.arrive + 0.4
        twin.ended = twin.arrive + 0.003 + 0.004 * rng.random()
        out.append(twin)
    return out


def requests(calls):
    """(t, ExportTraceServiceRequest) of each flush."""
    rng = random.Random(story.SEED + 4)
    flushes = collections.defaultdict(lambda: collections.defaultdict(list))
    for call in sorted(calls + refused(calls, rng), key=lambda c: (c.arrive, c.number)):
        trace, span, child = _ids(rng)
        response = f"chatcmpl-{rng.getrandbits(64):016x}"
        flush = min(story.DURATION_S - 0.4, FLUSH_S * (1 + int((call.ended + NETWORK_S) / FLUSH_S)))
        flushes[flush][call.tenant.app].append(_client(call, trace, span, response))
        if call.status == "ok":
            flushes[flush]["vllm"].append(_server(call, trace, span, child, response))
    for flush in sorted(flushes):
        resources = []
        for app in sorted(flushes[flush]):
            if app == "vllm":
                resource = {
                    "service.name": "vllm",
                    "service.instance.id": story.ENGINE_TARGET,
                    **story.kubernetes(*story.HOLDERS[0]),
                }
                scope = "vllm.tracing.otel"
            else:
                resource = {
                    "service.name": app,
                    "k8s.cluster.name": story.CLUSTER,
                    "k8s.namespace.name": "apps",
                    "telemetry.sdk.language": "python",
                    "telemetry.sdk.name": "opentelemetry",
                }
                scope = "opentelemetry.instrumentation.openai_v2"
            resources.append(otlp.resource_spans(resource, scope, flushes[flush][app]))
        yield flush, {"resourceSpans": resources}
