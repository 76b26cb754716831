// Named locks that sessions hold or wait for (RFC 7047, 4.1.8 to 4.1.10). Knows no session but as
// an address.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_OVS_LOCK_TABLE_H_
#define OUTRIDER_VSWITCH_OVS_LOCK_TABLE_H_

#include <deque>
#include <map>
#include <string>

namespace outrider::ovs {

class LockHolder {
 public:
  virtual ~LockHolder() = default;
  virtual void OnLocked(const std::string& lock) = 0;
  virtual void OnStolen(const std::string& lock) = 0;
};

class LockTable {
 public:
  // Whether it is held at once; otherwise OnLocked comes in its turn. A holder asks for a lock
  // once.
  bool Lock(const std::string& lock, LockHolder* holder);
  // Takes it from whoever holds it, who goes on waiting, in front.
  void Steal(const std::string& lock, LockHolder* holder);
  // Gives it back, or waits no more.
  void Unlock(const std::string& lock, LockHolder* holder);
  bool Holds(const std::string& lock, const LockHolder* holder) const;

 private:
  // The first holds it, the others wait. Never empty.
  std::map<std::string, std::deque<LockHolder*>> queues_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_LOCK_TABLE_H_
