// The text forms objects are known by: names, uuids, host ids, MAC addresses.
//
// Pure but NewUuid; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_NAMES_H_
#define OUTRIDER_CONTROLLER_MODEL_NAMES_H_

#include <string>

namespace outrider::controller {

// 1..63 characters of [a-z0-9]([-a-z0-9.]*[a-z0-9])?.
bool IsName(const std::string& text);
// A name without dots: a DNS label.
bool IsHostId(const std::string& text);
// Lower-case RFC 4122 text, 8-4-4-4-12.
bool IsUuid(const std::string& text);
// Lower-case "52:54:00:aa:bb:cc", unicast and not zero.
bool IsUnicastMac(const std::string& text);
// The same form, any address: multicast and broadcast, too.
bool IsMac(const std::string& text);

// ASCII only.
std::string ToLower(std::string text);
// Lower-case, ':' for '-'.
std::string CanonicalMac(std::string text);

// A random (version 4) uuid, from the kernel's generator.
std::string NewUuid();

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_NAMES_H_
