# SPDX-License-Identifier: Apache-2.0
"""What a soak's node is to balance: its services and their backends, as every change that was answered
"done" left them; and the configuration file that says so. Used by soak.py and its parts.

    name     vip                    scheduler  encap  checked by  on_down
    long4    198.51.100.30:9000     maglev     gue    -
    long6    [2001:db8:100::30]     maglev     ipip   -
    turn6    [2001:db8:100::31]     rr         gue    -
    keep4    198.51.100.31:9000     maglev     ipip   http        keep
    cut4     198.51.100.32:9000     maglev     gue    http        cut
    web4     198.51.100.33:80       maglev     gue0   http        cut
    web6     [2001:db8:100::33]:80  maglev     ipip   -
    udp4     198.51.100.34:9000/udp maglev     gue    -
"""
import dataclasses

HEALTH = ('health = { type = "http"; port = 9001; interval_ms = 1000; timeout_ms = 1000; '
          'fast_interval_ms = 500; flap_count = 0; };')


@dataclasses.dataclass
class Backend:
    address: str
    weight: int = 100
    state: str = "enabled"


@dataclasses.dataclass
class Service:
    name: str
    vip: str
    port: int
    protocol: str
    encap: str
    scheduler: str = "maglev"
    hash: str = "flow"
    slots: int = 1021
    transition_s: int = 60
    checked: bool = False
    on_down: str = "cut"
    traffic: str = ""
    backends: dict = dataclasses.field(default_factory=dict)

    def cut_by_health(self):
        return self.checked and self.on_down == "cut"

    def text(self):
        words = [f'name = "{self.name}"; vip = "{self.vip}"; port = {self.port}; protocol = "{self.protocol}";',
                 f'encap = "{self.encap}"; scheduler = "{self.scheduler}"; hash = "{self.hash}"; slots = {self.slots};',
                 f'transition_s = {self.transition_s}; on_down = "{self.on_down}";']
        if self.checked:
            words.append(HEALTH)
        rows = [f'{{ name = "{n}"; address = "{b.address}"; weight = {b.weight}; state = "{b.state}"; }}'
                for n, b in self.backends.items()]
        return "{ " + "\n  ".join(words) + "\n  backends = ( " + ",\n    ".join(rows) + " ); }"


class Model:
    def __init__(self, backends):
        """backends: their names; b1 is node 11 of the lab."""
        self.names = backends
        rows = (("long4", "198.51.100.30", 9000, "tcp", "gue"), ("long6", "2001:db8:100::30", 9000, "tcp", "ipip"),
                ("turn6", "2001:db8:100::31", 9000, "tcp", "gue"), ("keep4", "198.51.100.31", 9000, "tcp", "ipip"),
                ("cut4", "198.51.100.32", 9000, "tcp", "gue"), ("web4", "198.51.100.33", 80, "tcp", "gue0"),
                ("web6", "2001:db8:100::33", 80, "tcp", "ipip"), ("udp4", "198.51.100.34", 9000, "udp", "gue"))
        self.services = {row[0]: Service(*row) for row in rows}
        self.services["turn6"].scheduler = "rr"
        for name in ("keep4", "cut4", "web4"):
            self.services[name].checked = True
        self.services["keep4"].on_down = "keep"
        for service in self.services.values():
            service.backends = {name: Backend(self.address(service, name)) for name in backends}

    @staticmethod
    def address(service, backend):
        number = 10 + int(backend[1:])
        return f"2001:db8:{number}::2" if ":" in service.vip else f"10.10.{number}.2"

    def traffic(self):
        """The arguments of client.py."""
        many = {"long4": "long,%s,50", "long6": "long,%s,50", "turn6": "long,%s,40", "keep4": "long,%s,40",
                "cut4": "long,%s,30", "web4": "load,%s,1", "web6": "load,%s,2", "udp4": "udp,%s,30"}
        words = [f"{name}," + form % self.services[name].vip for name, form in many.items()]
        return words + [f"{name},short,{self.services[name].vip},{n}"
                        for name, n in (("long4", 4), ("long6", 4), ("turn6", 2), ("keep4", 2), ("cut4", 2))]

    def file(self, head):
        return head + "services = (\n" + ",\n".join(s.text() for s in self.services.values()) + " );\n"
