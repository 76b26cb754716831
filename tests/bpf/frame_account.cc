#include "tests/bpf/frame_account.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace outrider::tests {
namespace {

std::string Text(const Account& account) {
  std::string text;
  for (size_t port = 0; port < account.rx.size(); ++port) {
    text += " port " + std::to_string(port) + ": rx " + std::to_string(account.rx[port]) + " tx " +
            std::to_string(account.tx[port]) + " dropped " + std::to_string(account.dropped[port]);
  }
  return text;
}

::testing::AssertionResult Failure(const Account& account, const std::string& why) {
  return ::testing::AssertionFailure() << why << ":" << Text(account);
}

uint64_t Sum(const std::array<uint64_t, 4>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

bool IsGroup(const Bytes& frame) { return (frame[0] & 1) != 0; }

// For each port from `first` on one frame at most, and one for those that are named.
bool OncePerPort(const Account& account, size_t first, const Expected& expected) {
  for (size_t port = first; port < account.tx.size(); ++port) {
    const uint64_t count = account.tx[port] + account.dropped[port];
    if (count != 0 && count != expected.packets) return false;
  }
  return std::all_of(expected.copies.begin(), expected.copies.end(), [&](size_t port) {
    return account.tx[port] + account.dropped[port] == expected.packets;
  });
}

}  // namespace

uint64_t Account::ForGuests(size_t first) const {
  uint64_t sum = 0;
  for (size_t port = first; port < tx.size(); ++port) sum += tx[port] + dropped[port];
  return sum;
}

uint64_t Account::Drops() const { return Sum(dropped); }
uint64_t Account::Sent() const { return Sum(tx); }

Account ReadAccount(BpfSwitch& s) {
  Account account;
  for (uint32_t port = 1; port < account.rx.size(); ++port) {
    const abi::or_port_stats stats = s.Stats(port);
    account.rx[port] = stats.rx_packets;
    account.tx[port] = stats.tx_packets;
  }
  for (const auto& [key, packets] : s.Drops()) account.dropped.at(key.first) += packets;
  return account;
}

Account AccountOf(BpfSwitch& s, const std::function<void()>& act) {
  const Account before = ReadAccount(s);
  act();
  Account account = ReadAccount(s);
  for (size_t port = 0; port < account.rx.size(); ++port) {
    account.rx[port] -= before.rx[port];
    account.tx[port] -= before.tx[port];
    account.dropped[port] -= before.dropped[port];
  }
  return account;
}

::testing::AssertionResult HasOneFateFromPort(const Account& account, const Bytes& frame,
                                              const Expected& expected) {
  const uint64_t others = account.ForGuests(2);
  if (account.rx[2] + account.rx[3] + account.dropped[0] != 0) {
    return Failure(account, "counted where it was not");
  }
  if (account.rx[1] + account.dropped[1] != expected.packets) {
    return Failure(account, "neither received nor dropped once");
  }
  if (account.tx[1] > 1) return Failure(account, "more than one answer");
  if (account.dropped[1] != 0) {
    return others == 0 ? ::testing::AssertionSuccess() : Failure(account, "dropped and sent on");
  }
  if (IsGroup(frame)) {
    if (others == 0 && account.tx[1] == 1) return ::testing::AssertionSuccess();
    return OncePerPort(account, 2, expected) ? ::testing::AssertionSuccess()
                                             : Failure(account, "copies are not counted once");
  }
  return others == (expected.leaves ? 0 : expected.packets)
             ? ::testing::AssertionSuccess()
             : Failure(account, "received, and then not counted once");
}

::testing::AssertionResult HaveOneFateEachFromPort(const Account& account, const Bytes& frame,
                                                   uint64_t frames, const Expected& expected) {
  if (account.rx[2] + account.rx[3] + account.dropped[0] != 0) {
    return Failure(account, "counted where it was not");
  }
  if (account.rx[1] + account.dropped[1] != frames) {
    return Failure(account, std::to_string(frames) + " frames are not received or dropped once");
  }
  if (account.tx[1] > frames) return Failure(account, "more answers than frames");
  if (!IsGroup(frame)) {
    return account.ForGuests(2) == (expected.leaves ? 0 : account.rx[1])
               ? ::testing::AssertionSuccess()
               : Failure(account, "received, and then not counted once");
  }
  // Of multicast only what is answered goes to nobody else.
  for (const size_t port : expected.copies) {
    if (account.tx[port] + account.dropped[port] + account.tx[1] != account.rx[1]) {
      return Failure(account, "copies are not counted once");
    }
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult HaveOneFateEachFromOutside(const Account& account, const Bytes& frame,
                                                      uint64_t least, uint64_t most,
                                                      const Expected& expected) {
  if (Sum(account.rx) != 0) return Failure(account, "no guest sent it");
  const auto within = [&](uint64_t count) { return count >= least && count <= most; };
  if (!IsGroup(frame)) {
    return within(account.ForGuests(0)) ? ::testing::AssertionSuccess()
                                        : Failure(account, "not counted once");
  }
  for (const size_t port : expected.copies) {
    if (!within(account.dropped[0] + account.tx[port] + account.dropped[port])) {
      return Failure(account, "copies are not counted once");
    }
  }
  return account.ForGuests(0) >= least ? ::testing::AssertionSuccess()
                                       : Failure(account, "counted nowhere");
}

::testing::AssertionResult Agrees(uint32_t verdict, const Account& account) {
  bool agrees = false;
  if (verdict == kDropped) agrees = account.Drops() > 0 && account.Sent() == 0;
  // One that was rejected is the answer now, and has been dropped as what it was.
  if (verdict == kRedirected) agrees = account.Sent() + account.rx[1] + account.Drops() > 0;
  if (verdict == kStolen) agrees = account.rx[1] + account.ForGuests(1) > 0;
  if (agrees) return ::testing::AssertionSuccess();
  return Failure(account, "verdict " + std::to_string(verdict) + " says something else");
}

}  // namespace outrider::tests
