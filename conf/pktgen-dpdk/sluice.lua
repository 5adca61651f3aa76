-- SPDX-License-Identifier: Apache-2.0
-- The traffic of sluice-pktgen's first example (docs/pktgen.md) for Pktgen-DPDK, on hardware: TCP
-- over IPv4, 64 bytes, 10,000 flows to one service, flat out, for 10 seconds. Start it with
--
--     pktgen -l 0-2 -a 0000:03:00.0 -- -P -m "[1:2].0" -f conf/pktgen-dpdk/sluice.lua
--
-- Port 0 sends to the balancer and takes the encapsulated packets back. Set the five values below
-- first. Pktgen-DPDK counts what comes back, and doesn't look into it: which backend a flow goes
-- to, order and headers are sluice-pktgen's to check. It answers ARP (and no ND), if its port has
-- the address that the balancer's routes lead to; else give the balancer a static neighbour:
--
--     ip neigh replace 10.10.2.1 lladdr <MAC of this port> dev <TAP of the balancer>

local balancer_mac = "02:00:00:00:02:02"
local gateway      = "10.10.2.1/24" -- this port, as the balancer's next hop
local vip          = "198.51.100.10"
local vip_port     = 80
local seconds      = 10

local port, flows, frame_bytes = "0", 10000, 64

-- The address that is n behind 198.18.0.0/15's first (RFC 2544: for benchmarks).
local function client(n)
	return string.format("198.%d.%d.%d", 18 + math.floor(n / 65536),
		math.floor(n / 256) % 256, n % 256)
end

-- One field that counts from `first` to `last`, in steps of `step`.
local function range(field, first, last, step)
	pktgen.range[field](port, "start", first)
	pktgen.range[field](port, "min", first)
	pktgen.range[field](port, "max", last)
	pktgen.range[field](port, "inc", step)
end

pktgen.stop("all")
pktgen.clear("all")
pktgen.set_ipaddr(port, "src", gateway)
pktgen.set_ipaddr(port, "dst", vip)
if pktgen.process then -- later versions answer ARP without being told
	pktgen.process(port, "on")
end

pktgen.range.dst_mac(port, "start", balancer_mac)
pktgen.range.ip_proto(port, "tcp")
range("dst_ip", vip, vip, "0.0.0.0")
range("src_ip", client(0), client(flows - 1), "0.0.0.1")
range("dst_port", vip_port, vip_port, 0)
range("src_port", 40000, 40000, 0)
range("pkt_size", frame_bytes, frame_bytes, 0)
pktgen.set_range(port, "on")

pktgen.set(port, "rate", 100)
pktgen.set(port, "count", 0)
pktgen.set(port, "burst", 32)

pktgen.delay(2000) -- the balancer's ARP
pktgen.start(port)
for second = 1, seconds do
	pktgen.delay(1000)
	local rate = pktgen.portStats(port, "rate")[tonumber(port)]
	print(string.format("%4d s: sent %.3f Mpps, received %.3f Mpps", second,
		rate.pkts_tx / 1e6, rate.pkts_rx / 1e6))
end
pktgen.stop(port)
pktgen.delay(1000)

local total = pktgen.portStats(port, "port")[tonumber(port)]
print(string.format("sent %d, received %d, lost %d", total.opackets, total.ipackets,
	total.opackets - total.ipackets))
if pktgen.quit then
	pktgen.quit()
end
