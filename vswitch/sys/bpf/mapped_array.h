// An array of the kernel's as memory of this process: what programs write shows at once. Owns the
// mapping, which keeps the array alive. Thread rule: any thread; what is read may change meanwhile.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_MAPPED_ARRAY_H_
#define OUTRIDER_VSWITCH_SYS_BPF_MAPPED_ARRAY_H_

#include <cstddef>
#include <cstdint>

namespace outrider::sys {

class MappedArray {
 public:
  // Maps `size` bytes of the array map `fd` (BPF_F_MMAPABLE); `protection` as mmap(2) has it.
  MappedArray(int fd, size_t size, int protection);
  ~MappedArray();
  MappedArray(const MappedArray&) = delete;
  MappedArray& operator=(const MappedArray&) = delete;

  // False: the kernel refused (errno).
  bool valid() const;
  uint8_t* bytes() const { return static_cast<uint8_t*>(start_); }
  size_t size() const { return size_; }

 private:
  const size_t size_;
  void* const start_;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_MAPPED_ARRAY_H_
