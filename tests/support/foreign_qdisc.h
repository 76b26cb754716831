// A queueing discipline that somebody else has put on a device. Thread rule: as netns_fixture.h.
#ifndef OUTRIDER_TESTS_SUPPORT_FOREIGN_QDISC_H_
#define OUTRIDER_TESTS_SUPPORT_FOREIGN_QDISC_H_

#include <cstdint>

namespace outrider::tests {

inline constexpr uint32_t kForeignHandle = 0x77770000;

// A pfifo at the device's root, in the calling thread's namespace. Throws on failure.
void AddForeignQdisc(int ifindex);
// Handle of the discipline at the device's root; 0: the kernel's default.
uint32_t RootQdisc(int ifindex);
// Whatever is at the root.
void DeleteRootQdisc(int ifindex);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_SUPPORT_FOREIGN_QDISC_H_
