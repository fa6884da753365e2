# SPDX-License-Identifier: Apache-2.0
"""The kubelet's socket and the Kubernetes API, as the agent reads them: a real gRPC server (grpcio) with recorded answers of a
real kubelet, and an API server of 10,000 pods and 1,000 nodes."""

import gzip
import http.server
import json
import pathlib
import subprocess
import threading
import time
import urllib.parse
from concurrent import futures

import grpc
import pytest

from program import ROOT, STRATA, wait_for

GOLDEN = ROOT / "tests" / "golden" / "l4" / "podresources"
GPU = "GPU-0000000{}-1111-2222-3333-444444444444"
FIRST_LIST_S, RSS_MB = 5, 150
VISIBLE_S = 1.5  # at the receiver: the sender puts together what came within a second


class Kubelet:
    """PodResources v1 with answers that a test sets: bytes, a gRPC status, or a pause in seconds."""

    def __init__(self, socket, service="v1.PodResourcesLister"):
        self.list, self.allocatable, self.calls = b"", b"", 0
        self.server = grpc.server(futures.ThreadPoolExecutor(4))

        def answer(which):
            def call(_request, context):
                self.calls += 1
                what = getattr(self, which)
                if isinstance(what, grpc.StatusCode):
                    context.abort(what, "told to")
                if isinstance(what, int):
                    time.sleep(what)
                    return b""
                return what

            return grpc.unary_unary_rpc_method_handler(call)

        methods = {"List": answer("list"), "GetAllocatableResources": answer("allocatable")}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, methods),))
        assert self.server.add_insecure_port(f"unix:{socket}")
        self.server.start()

    def stop(self):
        self.server.stop(None).wait()


@pytest.fixture
def with_kubelet(tmp_path, start_strata):
    made = []

    def make(**options):
        socket = tmp_path / "kubelet.sock"
        made.append(Kubelet(socket, **options))
        config = {
            "discover": {"kubernetes": "auto", "engines": "off"},
            "kubernetes": {"kubelet_socket": str(socket)},
            "teams": {"label": "team", "namespaces": {"ml": "research"}},
        }
        return made[-1], lambda: start_strata(config, command="up")

    yield make
    for kubelet in made:
        kubelet.stop()


def source(strata, name="kubelet"):
    for layer in strata.status()["layers"]:
        for one in layer["sources"]:
            if one["name"] == name:
                return one
    return {"state": "", "detail": ""}


def test_what_the_kubelet_gave_becomes_holdings(with_kubelet):
    kubelet, start = with_kubelet()
    kubelet.list = (GOLDEN / "admitted-list.bin").read_bytes()
    kubelet.allocatable = (GOLDEN / "admitted-allocatable.bin").read_bytes()
    strata = start()
    wait_for(lambda: source(strata)["state"] == "live", 60, "the kubelet's state", 0.5)
    assert "3 devices held, 9 offered (v1)" in source(strata)["detail"]
    assert "1 MIG instances whose device is not known" in source(strata)["detail"]
    query = "SELECT gpu, namespace, pod, container, team, share_kind, round(share, 3) AS share, source FROM holdings WHERE source = 'kubelet' ORDER BY gpu"
    rows = wait_for(lambda: (r := strata.sql(query)) and len(r) == 3 and r, 60, "holdings", 0.5)
    assert [(r["gpu"], r["pod"], r["share_kind"], r["share"]) for r in rows] == [
        (GPU.format(2), "llm-serve-78b7bc58c7-cjv64", "whole", 1),
        (GPU.format(3), "llm-serve-78b7bc58c7-cjv64", "whole", 1),
        (GPU.format(4), "hami-style", "timeslice", 0.333),
    ]
    assert {r["team"] for r in rows} == {"research"}
    # Too many calls, then a kubelet that hangs: said, and nothing that was known is lost.
    kubelet.list = grpc.StatusCode.RESOURCE_EXHAUSTED
    wait_for(lambda: "status 8" in source(strata)["detail"], 60, "the refusal", 0.5)
    assert source(strata)["state"] == "stale"
    kubelet.list = 20
    wait_for(lambda: "imed out" in source(strata)["detail"] or "imeout" in source(strata)["detail"], 60, "the timeout", 0.5)
    assert source(strata)["state"] == "stale"
    assert strata.stop() == 0


def test_an_old_kubelet_is_asked_in_its_own_words(with_kubelet):
    kubelet, start = with_kubelet(service="v1alpha1.PodResourcesLister")
    kubelet.list = (GOLDEN / "admitted-list.bin").read_bytes()
    strata = start()
    wait_for(lambda: source(strata)["state"] == "live", 60, "the kubelet's state", 0.5)
    assert "(v1alpha1)" in source(strata)["detail"]


# ---- a large cluster

PODS, NODES = 10_000, 1_000


def pod(i, version, phase="Running"):
    gpus = {"nvidia.com/gpu": "1"} if i % 4 == 0 else {}
    managed = [{"manager": f"m{k}", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": {f"f:{'x' * 40}{j}": {} for j in range(60)}} for k in range(2)]
    return {
        "metadata": {
            "name": f"job-{i // 8}-{i % 8}-abcde", "namespace": f"team-{i % 20}", "uid": f"uid-{i}", "resourceVersion": str(version),
            "creationTimestamp": "2026-11-24T10:00:00Z", "labels": {"team": f"t{i % 20}", "job-name": f"job-{i // 8}"},
            "managedFields": managed,
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": f"job-{i // 8}", "uid": f"job-uid-{i // 8}", "controller": True}],
        },
        "spec": {"nodeName": f"node-{i % NODES}", "containers": [{"name": "main", "image": "registry.example/train:1", "resources": {"limits": gpus, "requests": gpus}, "env": [{"name": f"E{k}", "value": "v" * 30} for k in range(10)]}]},
        "status": {"phase": phase, "startTime": "2026-11-24T10:00:01Z", "containerStatuses": [{"name": "main", "restartCount": 0, "containerID": "containerd://" + f"{i:064x}", "state": {"running": {}}}]},
    }  # fmt: skip


def node(i):
    return {
        "metadata": {"name": f"node-{i}", "uid": f"node-uid-{i}", "resourceVersion": "5", "labels": {"topology.kubernetes.io/zone": f"z{i % 3}", "nvidia.com/gpu.product": "H100"}},
        "spec": {}, "status": {"capacity": {"nvidia.com/gpu": "8"}, "allocatable": {"nvidia.com/gpu": "8"}},
    }  # fmt: skip


class BigApi(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.objects = {
            "/api/v1/pods": [json.dumps(pod(i, 1000 + i)) for i in range(PODS)],
            "/api/v1/nodes": [json.dumps(node(i)) for i in range(NODES)],
            "/apis/batch/v1/jobs": [json.dumps({"metadata": {"name": f"job-{i}", "namespace": f"team-{i * 8 % 20}", "uid": f"job-uid-{i}", "resourceVersion": "7"}}) for i in range(PODS // 8)],
        }  # fmt: skip
        self.asked, self.lock, self.change = [], threading.Lock(), threading.Condition()
        self.frames = []
        super().__init__(("127.0.0.1", 0), BigApi.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            url = urllib.parse.urlparse(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            with self.server.lock:
                self.server.asked.append((time.monotonic(), url.path, query))
            if url.path == "/apis/batch/v1":
                return self.answer(json.dumps({"kind": "APIResourceList", "resources": [{"name": "jobs", "kind": "Job", "namespaced": True}]}))
            objects = self.server.objects.get(url.path)
            if objects is None:
                return self.answer(json.dumps({"kind": "Status", "message": "no such kind", "code": 404}), 404)
            if "watch" in query:
                return self.watch(url.path)
            start, limit = int(query.get("continue", 0)), int(query["limit"])
            more = str(start + limit) if start + limit < len(objects) else ""
            self.answer('{"kind":"List","metadata":{"resourceVersion":"50000","continue":"%s"},"items":[%s]}' % (more, ",".join(objects[start : start + limit])))

        def answer(self, text, status=200):
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def watch(self, path):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            seen = 0
            while True:
                with self.server.change:
                    self.server.change.wait_for(lambda: len(self.server.frames) > seen, 30)
                    new, seen = self.server.frames[seen:], len(self.server.frames)
                for where, frame in new:
                    if where == path:
                        data = (json.dumps(frame) + "\n").encode()
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                        self.wfile.flush()

    def tell(self, path, kind, thing):
        with self.change:
            self.frames.append((path, {"type": kind, "object": thing}))
            self.change.notify_all()

    def when(self, path, watch):
        with self.lock:
            return next((t for t, p, q in self.asked if p == path and ("watch" in q) == watch), None)


class Receiver(http.server.ThreadingHTTPServer):
    """Takes OTLP/HTTP and remembers when which words came."""

    daemon_threads = True

    def __init__(self):
        self.bodies, self.lock = [], threading.Lock()
        super().__init__(("127.0.0.1", 0), Receiver.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            coding = self.headers.get("Content-Encoding", "")
            known = coding in ("", "gzip", "identity")
            if known:
                with self.server.lock:
                    self.server.bodies.append((time.monotonic(), gzip.decompress(body) if coding == "gzip" else body))
            self.send_response(200 if known else 415)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def count(self, word):
        with self.lock:
            return sum(body.count(word) for _, body in self.bodies)

    def when(self, word):
        with self.lock:
            return next((t for t, body in self.bodies if word in body), None)


def test_ten_thousand_pods(tmp_path, record_property):
    api, receiver = BigApi(), Receiver()
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        f'clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{api.server_address[1]}"}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n'
        "contexts: [{name: x, context: {cluster: c, user: u}}]\ncurrent-context: x\n"
    )
    config = tmp_path / "strata.yaml"
    config.write_text(
        "cluster: big\ndiscover: {kubernetes: auto, engines: off}\nagent: {interval: 60s}\n"
        f"kubernetes: {{kubeconfig: {kubeconfig}, kubelet_socket: {tmp_path}/none.sock}}\nstore: {{path: {tmp_path}/data}}\n"
    )
    agent = subprocess.Popen(
        [STRATA, "agent", "--cluster", "--config", config, "--to", f"http://127.0.0.1:{receiver.server_address[1]}"],
        stdout=subprocess.DEVNULL,
        stderr=open(tmp_path / "agent.log", "wb"),
    )
    try:
        wait_for(lambda: api.when("/api/v1/pods", True) and api.when("/api/v1/nodes", True), 60, "the first lists")
        listed_s = max(api.when(p, True) - api.when(p, False) for p in ("/api/v1/pods", "/api/v1/nodes"))
        # Every pod has arrived with the end of its chain of owners.
        wait_for(lambda: receiver.when(b"job-1249-7-abcde"), 60, "the last pod")
        wait_for(lambda: receiver.count(b"k8s.workload.name") >= PODS, 60, "workloads")
        late = []
        for i in range(5):
            name = f"newcomer-{i}"
            thing = pod(20_000 + i, 60_000 + i)
            thing["metadata"]["name"] = name
            began = time.monotonic()
            api.tell("/api/v1/pods", "ADDED", thing)
            late.append(wait_for(lambda: receiver.when(name.encode()), 20, "the change", 0.02) - began)
        status = pathlib.Path(f"/proc/{agent.pid}/status").read_text()
        rss_mb = int(status.split("VmHWM:")[1].split()[0]) / 1024
        figures = {"first_list_s": round(listed_s, 2), "peak_rss_mb": round(rss_mb), "visible_s": [round(x, 2) for x in late]}
        print(json.dumps(figures))
        record_property("figures", figures)
        requests_ = len([1 for _, p, _ in api.asked if p.startswith("/apis/batch")])
        assert requests_ < 100, "owners are asked for by kind, not one by one"
        assert listed_s <= FIRST_LIST_S
        assert rss_mb <= RSS_MB
        assert sorted(late)[2] <= VISIBLE_S
        assert agent.poll() is None
    finally:
        agent.terminate()
        agent.wait(30)
        api.shutdown()
        receiver.shutdown()
