# SPDX-License-Identifier: Apache-2.0
"""The node around the GPUs as an OpenTelemetry host receiver tells it: cumulative counters that begin at world start."""

import random

from worldgen import otlp, story

CORES, MEMORY_BYTES = 96, 2_164_663_517_184
MODES = ("user", "system", "iowait", "interrupt", "nice", "steal")
DISK, NIC = "nvme0n1", "eth0"


class Host:
    def __init__(self, snapshots, training):
        self.rng = random.Random(story.SEED + 3)
        self.training = training
        self.snapshots = {snap["t"]: snap for snap in snapshots}
        self.total = dict.fromkeys(
            MODES
            + (
                "idle",
                "read",
                "write",
                "read_ops",
                "write_ops",
                "io_time",
                "read_time",
                "write_time",
                "rx",
                "tx",
                "rx_packets",
                "tx_packets",
                "retransmits",
            ),
            0.0,
        )
        self.before = 0.0

    def _rates(self, t):
        """Per second over the interval that ends at t."""
        rng, slow = (
            self.rng,
            story.inside(t - 0.01, (story.IO_WAIT[0], story.IO_WAIT[1] + story.PAGE_S - 0.02)),
        )
        busy = story.inside(t - 0.01, story.KV_PRESSURE)
        saving = any(
            s["saved"] and s["step_end"] < t and s["end"] > self.before for s in self.training.steps
        )
        cores = {
            "user": 15.5 + (3.0 if busy else 0.0),
            "system": 2.9,
            "iowait": 0.25,
            "interrupt": 0.12,
            "nice": 0.0,
            "steal": 0.0,
        }
        disk = {
            "read": 2.1e8,
            "write": 6.0e6,
            "read_ops": 1700.0,
            "write_ops": 90.0,
            "io_time": 0.11,
            "latency": 0.0002,
        }
        net = {"rx": 9.0e5, "tx": 6.0e5, "retransmits": 1.5}
        if slow:
            cores.update(iowait=33.0, user=11.5, system=4.4)
            disk.update(read=6.4e7, read_ops=520.0, io_time=0.985, latency=0.061)
        if saving:
            cores.update(iowait=2.1)
            disk.update(write=1.04e9, write_ops=4100.0, io_time=0.58)
        if busy:
            net = {"rx": 6.2e6, "tx": 2.4e6, "retransmits": 2.0}
        for group in (cores, disk, net):
            for key in group:
                group[key] = story.wobble(rng, group[key], 0.07)
        disk["io_time"] = min(1.0, disk["io_time"])
        return cores, disk, net, slow

    def _grow(self, t):
        cores, disk, net, slow = self._rates(t)
        span, add = t - self.before, self.total
        for mode in MODES:
            add[mode] += cores[mode] * span
        add["idle"] += (CORES - sum(cores.values())) * span
        for key in ("read", "write", "read_ops", "write_ops", "io_time"):
            add[key] += disk[key] * span
        add["read_time"] += disk["read_ops"] * disk["latency"] * span
        add["write_time"] += disk["write_ops"] * disk["latency"] * span
        for key in ("rx", "tx", "retransmits"):
            add[key] += net[key] * span
        add["rx_packets"] += net["rx"] / 900 * span
        add["tx_packets"] += net["tx"] / 700 * span
        self.before = t
        return cores, slow

    def metrics(self, t):
        cores, slow = self._grow(t)
        rng, total = self.rng, self.total
        whole = lambda key: int(total[key])
        cum = lambda value, attrs: otlp.point(t, value, attrs, start=0.0)
        now = lambda value, attrs=None: otlp.point(t, value, attrs)
        used = int(story.wobble(rng, 3.12e11, 0.004))
        cached = int(story.wobble(rng, 8.9e11, 0.002))
        buffers = 4_208_984_064
        pressure = {
            "cpu": (0.012, None),
            "memory": (0.0, 0.0),
            "io": (0.46, 0.21) if slow else (0.006, 0.002),
        }
        some = {k: round(story.wobble(rng, v[0], 0.1), 4) for k, v in pressure.items()}
        full = {
            k: round(story.wobble(rng, v[1], 0.1), 4)
            for k, v in pressure.items()
            if v[1] is not None
        }
        io = lambda direction: {"system.device": DISK, "disk.io.direction": direction}
        net = lambda direction: {"network.interface.name": NIC, "network.io.direction": direction}
        system = [
            otlp.counter(
                "system.cpu.time",
                "s",
                [cum(round(total[m], 2), {"cpu.mode": m}) for m in MODES + ("idle",)],
            ),
            otlp.up_down("system.cpu.logical.count", "{cpu}", [now(CORES)]),
            otlp.gauge(
                "system.cpu.load_average.1m",
                "{thread}",
                [now(round(cores["user"] + cores["system"] + cores["iowait"], 2))],
            ),
            otlp.up_down(
                "system.memory.usage",
                "By",
                [
                    now(v, {"system.memory.state": k})
                    for k, v in (
                        ("used", used),
                        ("cached", cached),
                        ("buffers", buffers),
                        ("free", MEMORY_BYTES - used - cached - buffers),
                    )
                ],
            ),
            otlp.up_down("system.memory.limit", "By", [now(MEMORY_BYTES)]),
            otlp.up_down("system.paging.usage", "By", [now(0, {"system.paging.state": "used"})]),
            otlp.counter("system.disk.io", "By", [cum(whole(d), io(d)) for d in ("read", "write")]),
            otlp.counter(
                "system.disk.operations",
                "{operation}",
                [cum(whole(d + "_ops"), io(d)) for d in ("read", "write")],
            ),
            otlp.counter(
                "system.disk.io_time",
                "s",
                [cum(round(total["io_time"], 3), {"system.device": DISK})],
            ),
            otlp.counter(
                "system.disk.operation_time",
                "s",
                [cum(round(total[d + "_time"], 3), io(d)) for d in ("read", "write")],
            ),
            otlp.counter(
                "system.network.io",
                "By",
                [cum(whole("rx"), net("receive")), cum(whole("tx"), net("transmit"))],
            ),
            otlp.counter(
                "system.network.packet.count",
                "{packet}",
                [
                    cum(whole(k + "_packets"), {"system.device": NIC, "network.io.direction": d})
                    for k, d in (("rx", "receive"), ("tx", "transmit"))
                ],
            ),
            otlp.counter(
                "system.network.tcp.retransmits", "{segment}", [cum(whole("retransmits"), None)]
            ),
            otlp.gauge(
                "system.pressure.some", "1", [now(v, {"resource": k}) for k, v in some.items()]
            ),
            otlp.gauge(
                "system.pressure.full", "1", [now(v, {"resource": k}) for k, v in full.items()]
            ),
        ]
        node = {
            "host.name": story.NODE,
            "k8s.node.name": story.NODE,
            "k8s.cluster.name": story.CLUSTER,
            "os.type": "linux",
        }
        out = [otlp.resource_metrics(node, "hostmetrics", system)]
        for pid, name, rss, threads in (
            (40121, "vllm", 2.31e10, 214),
            (41210, "python3", 4.4e10, 96),
        ):
            out.append(
                otlp.resource_metrics(
                    {**node, "process.pid": pid, "process.executable.name": name},
                    "hostmetrics",
                    [
                        otlp.up_down(
                            "process.memory.usage", "By", [now(int(story.wobble(rng, rss, 0.003)))]
                        ),
                        otlp.up_down("process.thread.count", "{thread}", [now(threads)]),
                    ],
                )
            )
        return {"resourceMetrics": out}
