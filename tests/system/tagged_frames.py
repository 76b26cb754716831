"""Programs that send and receive frames with VLAN tags, to be run in a port's namespace."""

# Sends one broadcast frame for each VLAN of argv, with its number as the payload.
SENDER = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
source = bytes.fromhex(sys.argv[1].replace(":", ""))
for word in sys.argv[2:]:
    vlan = int(word).to_bytes(2, "big")
    tag = b"" if word == "0" else b"\\x81\\x00" + vlan
    s.send(b"\\xff" * 6 + source + tag + b"\\x88\\xb5" + vlan.ljust(46, b"x"))
"""

# Prints [tag, payload] of each such frame until argv[1] have come, or nothing for 5 s. The kernel
# takes the tag from the bytes and tells it beside them (struct tpacket_auxdata).
RECEIVER = """
import json, socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(263, 8, 1)
s.bind(("eth0", 3))
s.settimeout(5)
print("ready", flush=True)
got = []
try:
    while len(got) < int(sys.argv[1]):
        data, aux, _, address = s.recvmsg(2048, 64)
        if address[2] == 4 or data[12:14] != b"\\x88\\xb5":
            continue
        status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", aux[0][2][:20])
        got.append([tci & 0xfff if status & 0x10 else 0, int.from_bytes(data[14:16], "big")])
except socket.timeout:
    pass
print(json.dumps(got))
"""

# Answers ARP requests for addresses that end in .2, and echo requests to argv[1]'s MAC, each under
# the tag it came with: a station with a foot in every VLAN.
RESPONDER = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(263, 8, 1)
s.bind(("eth0", 3))
mac = bytes.fromhex(sys.argv[1].replace(":", ""))
print("ready", flush=True)
while True:
    data, aux, _, address = s.recvmsg(2048, 64)
    status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", aux[0][2][:20])
    if address[2] == 4 or not status & 0x10:
        continue
    head = data[6:12] + mac + b"\\x81\\x00" + (tci & 0xfff).to_bytes(2, "big")
    if data[12:14] == b"\\x08\\x06" and data[21] == 1 and data[41] == 2:
        s.send(head + data[12:21] + b"\\x02" + mac + data[38:42] + data[22:32])
    elif data[:6] == mac and data[12:14] == b"\\x08\\x00" and data[23] == 1 and data[34] == 8:
        check = int.from_bytes(data[36:38], "big") + 0x0800
        check = ((check & 0xffff) + (check >> 16)).to_bytes(2, "big")
        echo = b"\\x00" + data[35:36] + check + data[38:]
        s.send(head + data[12:26] + data[30:34] + data[26:30] + echo)
"""
