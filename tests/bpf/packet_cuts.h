// A frame cut short in every way that tests try. Thread rule: values.
#ifndef OUTRIDER_TESTS_BPF_PACKET_CUTS_H_
#define OUTRIDER_TESTS_BPF_PACKET_CUTS_H_

#include <vector>

#include "tests/support/packet_builder.h"

namespace outrider::tests {

// The first `length` bytes. `honest`: an IP header in it says so, too, so that what is behind it
// is cut for sure, and not only the frame.
Bytes Cut(const Bytes& frame, size_t length, bool honest);
// At each length up to 128 bytes, then whole, which is the last.
std::vector<Bytes> AllCuts(const Bytes& frame);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_PACKET_CUTS_H_
