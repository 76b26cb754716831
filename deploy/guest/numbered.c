// Numbered datagrams and TCP streams: sent, received and watched, on hosts and in guests of a lab.
//
//   numbered send OUT ADDRESS PORT RATE [times]
//   numbered receive OUT PORT
//   numbered watch OUT DEVICE
//   numbered stream OUT listen|connect ADDRESS PORT send|receive
//
// Each opens its sockets, makes the file OUT.ready, works until SIGTERM (a stream also: until the
// other side ends), and writes what it saw to OUT as JSON. It judges nothing. Linked statically, so
// that a guest needs nothing else. One thread.
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/tcp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { kReceiveBuffer = 16 << 20, kTurnMs = 50, kQuietMs = 500, kChunk = 1 << 16 };
static const uint32_t kMagic = 0x4f522331;
// Bytes a second of a stream: what it makes an emulated guest write must not outrun the copying of
// the guest's memory.
static const unsigned int kStreamRate = 4 << 20;
static const char kCongestionControl[] = "cubic";  // whatever the machine's default is

// Payload of a datagram, big endian; sent_ns: CLOCK_REALTIME.
struct Numbered {
  uint32_t magic;
  uint32_t reserved;
  uint64_t number;
  uint64_t sent_ns;
  uint8_t padding[40];
};

static volatile sig_atomic_t stopping;

static void Stop(int signal) {
  (void)signal;
  stopping = 1;
}

static void Fail(const char* what) {
  perror(what);
  exit(1);
}

static uint64_t Now(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void* Grown(void* rows, size_t count, size_t size) {
  // At powers of two from 1024 on.
  if (count != 0 && (count < 1024 || (count & (count - 1)) != 0)) return rows;
  rows = realloc(rows, (count < 1024 ? 1024 : 2 * count) * size);
  if (!rows) Fail("out of memory");
  return rows;
}

static struct sockaddr_in Address(const char* address, const char* port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1) Fail(address);
  return to;
}

static int Opened(int family, int type, int protocol) {
  const int descriptor = socket(family, type, protocol);
  if (descriptor < 0) Fail("socket");
  const int size = kReceiveBuffer;  // a burst after a blackout fits
  if (type != SOCK_STREAM &&
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
    Fail("SO_RCVBUFFORCE");
  return descriptor;
}

// Waits a turn for the descriptor; whether it has something.
static bool Waited(int descriptor, short events, int milliseconds) {
  struct pollfd wanted = {.fd = descriptor, .events = events};
  return poll(&wanted, 1, milliseconds) > 0;
}

static void Ready(const char* out) {
  char path[512];
  snprintf(path, sizeof(path), "%s.ready", out);
  const int made = open(path, O_CREAT | O_WRONLY, 0644);
  if (made < 0) Fail(path);
  close(made);
}

// The result appears whole: written beside its place, then put there.
static FILE* BeginResult(const char* out) {
  char path[512];
  snprintf(path, sizeof(path), "%s.partial", out);
  FILE* file = fopen(path, "w");
  if (!file) Fail(path);
  return file;
}

static void EndResult(FILE* file, const char* out) {
  char path[512];
  snprintf(path, sizeof(path), "%s.partial", out);
  if (fclose(file) || rename(path, out)) Fail(out);
}

// ---- send
// -----------------------------------------------------------------------------------------

// A late turn is made up for at once, so that the mean rate holds. A datagram that this machine has
// no room for is tried again and was not sent.
static int Send(const char* out, const char* address, const char* port, double rate, bool times) {
  const struct sockaddr_in to = Address(address, port);
  const int descriptor = Opened(AF_INET, SOCK_DGRAM, 0);
  uint64_t* sent_us = NULL;
  uint64_t sent = 0, again = 0;
  Ready(out);
  const uint64_t begin = Now(CLOCK_MONOTONIC);
  while (!stopping) {
    const uint64_t due = begin + (uint64_t)(sent * 1e9 / rate);
    const struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
    if (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)) continue;
    const uint64_t now = Now(CLOCK_REALTIME);
    const struct Numbered frame = {
        .magic = htobe32(kMagic), .number = htobe64(sent), .sent_ns = htobe64(now)};
    if (sendto(descriptor, &frame, sizeof(frame), 0, (const void*)&to, sizeof(to)) < 0) {
      if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR) Fail("send");
      ++again;
      continue;
    }
    if (times) {
      sent_us = Grown(sent_us, sent, sizeof(*sent_us));
      sent_us[sent] = now / 1000;
    }
    ++sent;
  }
  FILE* file = BeginResult(out);
  fprintf(file, "{\"sent\": %llu, \"again\": %llu, \"times_us\": [", (unsigned long long)sent,
          (unsigned long long)again);
  for (uint64_t i = 0; times && i < sent; ++i)
    fprintf(file, "%s%llu", i ? "," : "", (unsigned long long)sent_us[i]);
  fprintf(file, "]}\n");
  EndResult(file, out);
  return 0;
}

// ---- receive
// --------------------------------------------------------------------------------------

// Numbers that came one after the other: what came in order is one run.
struct Run {
  uint64_t first, count;
};

static struct Run* Appended(struct Run* runs, size_t* count, uint64_t number) {
  if (*count && runs[*count - 1].first + runs[*count - 1].count == number) {
    ++runs[*count - 1].count;
    return runs;
  }
  runs = Grown(runs, *count, sizeof(*runs));
  runs[(*count)++] = (struct Run){.first = number, .count = 1};
  return runs;
}

// Datagrams that the socket had no room for: the measurement would be at fault, not the network.
static uint32_t Overflown(int descriptor) {
  uint32_t information[9] = {0};  // SK_MEMINFO_DROPS is the last
  socklen_t size = sizeof(information);
  if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, information, &size)) Fail("SO_MEMINFO");
  return information[8];
}

static int Receive(const char* out, const char* port) {
  const struct sockaddr_in at = Address("0.0.0.0", port);
  const int descriptor = Opened(AF_INET, SOCK_DGRAM, 0);
  if (bind(descriptor, (const void*)&at, sizeof(at))) Fail("bind");
  struct Run* runs = NULL;
  size_t count = 0;
  struct Numbered frame;
  Ready(out);
  // After the wish to end: until nothing has come for a while.
  for (;;) {
    const bool last = stopping;
    if (!Waited(descriptor, POLLIN, last ? kQuietMs : kTurnMs)) {
      if (last) break;
      continue;
    }
    const ssize_t size = recv(descriptor, &frame, sizeof(frame), MSG_DONTWAIT);
    if (size == sizeof(frame) && frame.magic == htobe32(kMagic))
      runs = Appended(runs, &count, be64toh(frame.number));
  }
  FILE* file = BeginResult(out);
  fprintf(file, "{\"overflow\": %u, \"runs\": [", Overflown(descriptor));
  for (size_t i = 0; i < count; ++i)
    fprintf(file, "%s[%llu,%llu]", i ? "," : "", (unsigned long long)runs[i].first,
            (unsigned long long)runs[i].count);
  fprintf(file, "]}\n");
  EndResult(file, out);
  return 0;
}

// ---- watch
// ----------------------------------------------------------------------------------------

// A frame on the device; of one that is not numbered, number and sent_us are 0 and port is too.
struct Seen {
  uint64_t time_us, sent_us, number;
  uint16_t ether_type, port;
  bool outgoing;
  uint8_t source[6];
};

static void Parse(const uint8_t* frame, size_t size, struct Seen* seen) {
  const struct iphdr* ip = (const void*)(frame + ETH_HLEN);
  memcpy(seen->source, frame + 6, 6);
  seen->ether_type = frame[12] << 8 | frame[13];
  if (seen->ether_type != ETHERTYPE_IP || size < ETH_HLEN + sizeof(*ip)) return;
  const size_t payload = ETH_HLEN + ip->ihl * 4 + sizeof(struct udphdr);
  struct Numbered numbered;
  if (ip->protocol != IPPROTO_UDP || size < payload + sizeof(numbered)) return;
  memcpy(&numbered, frame + payload, sizeof(numbered));
  if (numbered.magic != htobe32(kMagic)) return;
  const struct udphdr* udp = (const void*)(frame + payload - sizeof(struct udphdr));
  seen->port = ntohs(udp->dest);
  seen->number = be64toh(numbered.number);
  seen->sent_us = be64toh(numbered.sent_ns) / 1000;
}

// Whether there was a frame; when the kernel had it comes with it.
static bool Taken(int descriptor, struct Seen* seen) {
  uint8_t frame[256];
  union {
    char bytes[CMSG_SPACE(sizeof(struct timespec))];
    struct cmsghdr align;
  } control;
  struct sockaddr_ll from;
  struct iovec data = {.iov_base = frame, .iov_len = sizeof(frame)};
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof(from),
                           .msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof(control)};
  const ssize_t size = recvmsg(descriptor, &message, MSG_DONTWAIT);
  const struct cmsghdr* stamp = CMSG_FIRSTHDR(&message);
  if (size < ETH_HLEN || !stamp) return false;
  struct timespec when;
  memcpy(&when, CMSG_DATA(stamp), sizeof(when));
  *seen = (struct Seen){.time_us = when.tv_sec * 1000000ull + when.tv_nsec / 1000,
                        .outgoing = from.sll_pkttype == PACKET_OUTGOING};
  Parse(frame, size, seen);
  return true;
}

static void WriteSeen(FILE* file, const struct Seen* seen) {
  fprintf(file, "[%llu,%d,\"%02x:%02x:%02x:%02x:%02x:%02x\",%u,%u,%llu,%llu]",
          (unsigned long long)seen->time_us, seen->outgoing, seen->source[0], seen->source[1],
          seen->source[2], seen->source[3], seen->source[4], seen->source[5], seen->ether_type,
          seen->port, (unsigned long long)seen->number, (unsigned long long)seen->sent_us);
}

static int Watch(const char* out, const char* device) {
  const int descriptor = Opened(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
  const int on = 1;
  if (setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on))) Fail("SO_TIMESTAMPNS");
  const struct sockaddr_ll at = {.sll_family = AF_PACKET,
                                 .sll_protocol = htons(ETH_P_ALL),
                                 .sll_ifindex = if_nametoindex(device)};
  if (!at.sll_ifindex || bind(descriptor, (const void*)&at, sizeof(at))) Fail(device);
  struct Seen* rows = NULL;
  size_t count = 0;
  Ready(out);
  while (!stopping) {
    if (!Waited(descriptor, POLLIN, kTurnMs)) continue;
    rows = Grown(rows, count, sizeof(*rows));
    count += Taken(descriptor, &rows[count]);
  }
  struct tpacket_stats statistics = {0};
  socklen_t size = sizeof(statistics);
  getsockopt(descriptor, SOL_PACKET, PACKET_STATISTICS, &statistics, &size);
  FILE* file = BeginResult(out);
  fprintf(file, "{\"missed\": %u, \"frames\": [", statistics.tp_drops);
  for (size_t i = 0; i < count; ++i) {
    fputs(i ? "," : "", file);
    WriteSeen(file, &rows[i]);
  }
  fprintf(file, "]}\n");
  EndResult(file, out);
  return 0;
}

// ---- stream
// ---------------------------------------------------------------------------------------

// Retransmission timeouts of this network namespace so far.
static long Timeouts(void) {
  static char names[8192], values[8192];
  FILE* file = fopen("/proc/self/net/netstat", "r");
  long found = -1;
  if (!file || !fgets(names, sizeof(names), file) || !fgets(values, sizeof(values), file))
    Fail("netstat");
  char *name_at, *value_at;
  const char* name = strtok_r(names, " \n", &name_at);
  const char* value = strtok_r(values, " \n", &value_at);
  for (; name && value; name = strtok_r(NULL, " \n", &name_at)) {
    if (!strcmp(name, "TCPTimeouts")) found = atol(value);
    value = strtok_r(NULL, " \n", &value_at);
  }
  fclose(file);
  return found;
}

// A word tells its place in the stream, so that one too many or too few is seen.
struct Stream {
  uint64_t bytes, wrong, longest_gap_us;
};

static void SendStream(int descriptor, struct Stream* stream) {
  static uint64_t words[kChunk / 8];
  while (!stopping) {
    if (!Waited(descriptor, POLLOUT, kTurnMs)) continue;
    // What is not a whole number of words now begins the next chunk.
    const size_t skip = stream->bytes % 8;
    for (size_t i = 0; i < kChunk / 8; ++i) words[i] = htobe64(stream->bytes / 8 + i);
    const ssize_t sent = send(descriptor, (const char*)words + skip, sizeof(words) - skip,
                              MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) break;
    if (sent > 0) stream->bytes += sent;
  }
}

static void ReceiveStream(int descriptor, struct Stream* stream) {
  static uint8_t data[kChunk];
  uint64_t last = 0;
  // As in Receive(): what is on its way belongs to the stream.
  for (;;) {
    const bool asked = stopping;
    if (!Waited(descriptor, POLLIN, asked ? kQuietMs : kTurnMs)) {
      if (asked) break;
      continue;
    }
    const ssize_t size = recv(descriptor, data, sizeof(data), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (size <= 0) break;
    const uint64_t now = Now(CLOCK_MONOTONIC) / 1000;
    if (last && now - last > stream->longest_gap_us) stream->longest_gap_us = now - last;
    last = now;
    for (ssize_t i = 0; i < size; ++i, ++stream->bytes) {
      const uint64_t word = htobe64(stream->bytes / 8);
      stream->wrong += data[i] != ((const uint8_t*)&word)[stream->bytes % 8];
    }
  }
}

static int Connection(const char* role, const struct sockaddr_in* address, const char* out) {
  const int descriptor = Opened(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  if (setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, kCongestionControl,
                 sizeof(kCongestionControl) - 1) ||
      setsockopt(descriptor, SOL_SOCKET, SO_MAX_PACING_RATE, &kStreamRate, sizeof(kStreamRate)))
    Fail(kCongestionControl);
  if (!strcmp(role, "connect")) {
    if (connect(descriptor, (const void*)address, sizeof(*address))) Fail("connect");
    Ready(out);
    return descriptor;
  }
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(descriptor, (const void*)address, sizeof(*address)) || listen(descriptor, 1))
    Fail("listen");
  Ready(out);
  while (!stopping && !Waited(descriptor, POLLIN, kTurnMs)) continue;
  if (stopping) exit(1);
  const int accepted = accept(descriptor, NULL, NULL);
  if (accepted < 0) Fail("accept");
  return accepted;
}

static int TcpStream(const char* out, char** words) {
  const struct sockaddr_in address = Address(words[1], words[2]);
  const int descriptor = Connection(words[0], &address, out);
  const long timeouts = Timeouts();
  struct Stream stream = {0};
  if (!strcmp(words[3], "send"))
    SendStream(descriptor, &stream);
  else
    ReceiveStream(descriptor, &stream);
  struct tcp_info information = {0};
  socklen_t size = sizeof(information);
  getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &information, &size);
  FILE* file = BeginResult(out);
  fprintf(file,
          "{\"bytes\": %llu, \"wrong\": %llu, \"longest_gap_us\": %llu, "
          "\"retransmitted\": %u, \"timeouts\": %ld}\n",
          (unsigned long long)stream.bytes, (unsigned long long)stream.wrong,
          (unsigned long long)stream.longest_gap_us, information.tcpi_total_retrans,
          Timeouts() - timeouts);
  EndResult(file, out);
  return 0;
}

int main(int count, char** words) {
  const struct sigaction stop = {.sa_handler = Stop};
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);
  const char* verb = count > 2 ? words[1] : "";
  if (!strcmp(verb, "send") && (count == 6 || count == 7))
    return Send(words[2], words[3], words[4], atof(words[5]), count == 7);
  if (!strcmp(verb, "receive") && count == 4) return Receive(words[2], words[3]);
  if (!strcmp(verb, "watch") && count == 4) return Watch(words[2], words[3]);
  if (!strcmp(verb, "stream") && count == 7) return TcpStream(words[2], words + 3);
  fprintf(stderr, "numbered: see the head of numbered.c for its words\n");
  return 2;
}
