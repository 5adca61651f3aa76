-- SPDX-License-Identifier: Apache-2.0
-- Stands in for Pktgen-DPDK's Lua library: runs a script of its kind, and prints the first N packets
-- that it asks for, "MAC-of-destination client vip port frame-bytes". Time is not spent: delay()
-- returns at once. A function or field that Pktgen-DPDK doesn't have, a wrong number of arguments, or
-- packets before the script said start(), end it with an error.
--
--     lua5.3 pktgen_dpdk.lua SCRIPT N

local path, n = arg[1], tonumber(arg[2])

-- Fields of a range, and how their values become numbers.
local function ip_number(text)
	local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
	assert(a, text .. ": no IPv4 address")
	for _, byte in ipairs({a, b, c, d}) do
		assert(tonumber(byte) < 256, text .. ": no IPv4 address")
	end
	return ((a * 256 + b) * 256 + c) * 256 + d
end

local function ip_text(number)
	return string.format("%d.%d.%d.%d", number >> 24, number >> 16 & 255, number >> 8 & 255,
		number & 255)
end

local function integer(value)
	return assert(math.tointeger(value), tostring(value) .. ": no integer")
end

local function mac(text)
	assert(text:match("^%x%x:%x%x:%x%x:%x%x:%x%x:%x%x$"), text .. ": no MAC")
	return text
end

local read = {
	dst_mac = mac, src_mac = mac, src_ip = ip_number, dst_ip = ip_number,
	src_port = integer, dst_port = integer, pkt_size = integer,
}
local words = {start = true, min = true, max = true, inc = true}

local range, asked = {}, {ranges = false, started = 0, stopped = 0, seconds = 0}

local function takes(name, count, ...)
	assert(select("#", ...) == count,
		string.format("%s takes %d arguments, not %d", name, count, select("#", ...)))
	return ...
end

local function strict(name, members)
	return setmetatable(members, {__index = function(_, key)
		error(string.format("Pktgen-DPDK has no %s.%s", name, key), 2)
	end})
end

local ranges = {
	ip_proto = function(...)
		local port, proto = takes("range.ip_proto", 2, ...)
		assert(port == "0" and (proto == "tcp" or proto == "udp"), proto)
		asked.proto = proto
	end,
}
for field, value_of in pairs(read) do
	range[field] = {}
	ranges[field] = function(...)
		local port, word, value = takes("range." .. field, 3, ...)
		assert(port == "0", "another port than the first")
		assert(words[word], "range." .. field .. ": " .. word)
		range[field][word] = value_of(value)
	end
end

local settings = {}

pktgen = strict("pktgen", {
	range = strict("pktgen.range", ranges),
	process = function(...) takes("process", 2, ...) end,
	clear = function(...) takes("clear", 1, ...) end,
	set_ipaddr = function(...)
		local _, which, address = takes("set_ipaddr", 3, ...)
		assert(which == "src" or which == "dst", which)
		ip_number((address:gsub("/%d+$", "")))
	end,
	set_range = function(...)
		local _, state = takes("set_range", 2, ...)
		asked.ranges = state == "on"
	end,
	set = function(...)
		local _, what, value = takes("set", 3, ...)
		settings[what] = integer(value)
	end,
	start = function(...)
		takes("start", 1, ...)
		assert(asked.ranges, "start() without set_range(on)")
		asked.started = asked.started + 1
	end,
	stop = function(...)
		takes("stop", 1, ...)
		asked.stopped = asked.stopped + asked.started
	end,
	delay = function(...)
		local ms = integer(takes("delay", 1, ...))
		asked.seconds = asked.seconds + (asked.started > asked.stopped and ms / 1000 or 0)
	end,
	portStats = function(...)
		local _, what = takes("portStats", 2, ...)
		return {[0] = what == "rate" and {pkts_tx = 0, pkts_rx = 0} or
			{opackets = 0, ipackets = 0}}
	end,
	quit = function(...)
		takes("quit", 0, ...)
		asked.quit = true
	end,
})

local output = print
print = function() end -- the script's own figures, of packets that nobody sent
dofile(path)

assert(asked.started == 1 and asked.stopped >= 1 and asked.quit, "not started, stopped and left once")
assert(asked.seconds == 10, "sent for " .. asked.seconds .. " s")
assert(asked.proto == "tcp", "not TCP")
assert(settings.rate == 100 and settings.count == 0, "not flat out, without an end of its own")

-- As Pktgen-DPDK counts: a step a packet, and from `max` to `min`.
local function at(field, packet)
	local f = range[field]
	if not f.inc or f.inc == 0 then
		return f.start
	end
	return f.min + (f.start - f.min + packet * f.inc) % (f.max - f.min + f.inc)
end

for packet = 0, n - 1 do
	local client_port = at("src_port", packet)
	assert(client_port >= 1024 and client_port < 65536, "a client's port of " .. client_port)
	output(table.concat({at("dst_mac", packet), ip_text(at("src_ip", packet)),
		ip_text(at("dst_ip", packet)),
		at("dst_port", packet), at("pkt_size", packet)}, " "))
end
