#include "vswitch/sys/libvirt/domain_watch.h"

#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace outrider::libvirt {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstBackoff(200);
constexpr milliseconds kLastBackoff(10'000);
// Seconds, and how many unanswered: a libvirtd that hangs is left.
constexpr int kKeepAliveInterval = 5;
constexpr unsigned int kKeepAliveCount = 3;

// The loop is the process's, and libvirt's own messages are ours to write.
void InitializeOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    virInitialize();
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    virEventRegisterDefaultImpl();
  });
}

std::string LastError() {
  const char* const text = virGetLastErrorMessage();
  return text == nullptr ? "unknown error" : text;
}

std::optional<DomainEvent> EventOf(virDomainPtr domain, DomainEvent::Kind kind) {
  std::array<char, VIR_UUID_STRING_BUFLEN> uuid{};
  if (virDomainGetUUIDString(domain, uuid.data()) != 0) return std::nullopt;
  const char* const name = virDomainGetName(domain);
  return DomainEvent{.kind = kind, .uuid = uuid.data(), .name = name == nullptr ? "" : name};
}

class Watch final : public DomainWatch {
 public:
  Watch(std::string uri, Callback callback) : uri_(std::move(uri)), callback_(std::move(callback)) {
    InitializeOnce();
    // A timer that never fires by itself: setting it off ends a wait in the loop.
    wake_ = virEventAddTimeout(
        -1, [](int timer, void*) { virEventUpdateTimeout(timer, -1); }, nullptr, nullptr);
    thread_ = std::thread([this] { Run(); });
  }

  ~Watch() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    WakeUp();
    thread_.join();
    virEventRemoveTimeout(wake_);
  }

  void AskWhoPaused() override {
    {
      const std::lock_guard lock(mutex_);
      asked_ = true;
    }
    WakeUp();
  }

  void TellAnew() override {
    anew_ = true;
    WakeUp();
  }

 private:
  void WakeUp() {
    wait_.notify_all();
    virEventUpdateTimeout(wake_, 0);
  }

  void Run() {
    milliseconds backoff = kFirstBackoff;
    while (!stopping_) {
      virConnectPtr connection = virConnectOpenReadOnly(uri_.c_str());
      if (connection != nullptr) {
        backoff = kFirstBackoff;
        Serve(connection);
        virConnectClose(connection);
      } else {
        NoteAbsence(LastError());
      }
      std::unique_lock lock(mutex_);
      wait_.wait_for(lock, backoff, [this] { return stopping_ || asked_; });
      asked_ = false;
      backoff = std::min(2 * backoff, kLastBackoff);
    }
  }

  // Once for each reason.
  void NoteAbsence(const std::string& why) {
    if (std::exchange(absence_, why) != why) {
      spdlog::info("libvirt ({}) is not there and tells nothing of guests: {}", uri_, why);
    }
  }

  void Serve(virConnectPtr connection) {
    closed_ = false;
    virConnectRegisterCloseCallback(connection, OnClosed, this, nullptr);
    // Local drivers have none and need none.
    virConnectSetKeepAlive(connection, kKeepAliveInterval, kKeepAliveCount);
    const int lifecycle =
        virConnectDomainEventRegisterAny(connection, nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(OnLifecycle), this, nullptr);
    if (lifecycle < 0) {
      NoteAbsence(LastError());
    } else {
      spdlog::info("libvirt ({}) tells when guests pause and run", uri_);
      absence_.clear();
      anew_ = true;
      do {
        if (anew_.exchange(false)) TellAll(connection);
        if (asked_.exchange(false)) TellPaused(connection);
      } while (!stopping_ && !closed_ && virEventRunDefaultImpl() == 0);
      virConnectDomainEventDeregisterAny(connection, lifecycle);
    }
    virConnectUnregisterCloseCallback(connection, OnClosed);
  }

  // What was missed while there was no connection.
  void TellAll(virConnectPtr connection) {
    ForStates(
        connection, VIR_CONNECT_LIST_DOMAINS_ACTIVE,
        [this](virDomainPtr domain, std::optional<DomainEvent::Kind> kind) { Tell(domain, kind); });
  }

  // Not that one runs: libvirt itself may not have noticed yet that it has paused.
  void TellPaused(virConnectPtr connection) {
    ForStates(connection, VIR_CONNECT_LIST_DOMAINS_PAUSED,
              [this](virDomainPtr domain, std::optional<DomainEvent::Kind> kind) {
                if (kind == DomainEvent::Kind::kPausedToMigrate) Tell(domain, kind);
              });
  }

  template <typename Each>
  static void ForStates(virConnectPtr connection, unsigned int which, Each each) {
    virDomainPtr* domains = nullptr;
    const int count = virConnectListAllDomains(connection, &domains, which);
    for (int n = 0; n < count; ++n) {
      int state = 0;
      int reason = 0;
      if (virDomainGetState(domains[n], &state, &reason, 0) == 0) {
        each(domains[n], KindOfState(state, reason));
      }
      virDomainFree(domains[n]);
    }
    free(domains);
  }

  void Tell(virDomainPtr domain, std::optional<DomainEvent::Kind> kind) {
    if (!kind || stopping_) return;
    if (const auto event = EventOf(domain, *kind)) callback_(*event);
  }

  static int OnLifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* self) {
    static_cast<Watch*>(self)->Tell(domain, KindOfLifecycle(event, detail));
    return 0;
  }

  static void OnClosed(virConnectPtr, int, void* self) {
    static_cast<Watch*>(self)->closed_ = true;
  }

  const std::string uri_;
  const Callback callback_;
  int wake_ = -1;
  std::string absence_;
  std::mutex mutex_;
  std::condition_variable wait_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> closed_ = false;
  // Who has paused.
  std::atomic<bool> asked_ = false;
  // How all are.
  std::atomic<bool> anew_ = false;
  std::thread thread_;
};

}  // namespace

std::optional<DomainEvent::Kind> KindOfLifecycle(int event, int detail) {
  if (event == VIR_DOMAIN_EVENT_RESUMED) return DomainEvent::Kind::kRuns;
  if (event != VIR_DOMAIN_EVENT_SUSPENDED) return std::nullopt;
  if (detail == VIR_DOMAIN_EVENT_SUSPENDED_MIGRATED ||
      detail == VIR_DOMAIN_EVENT_SUSPENDED_POSTCOPY) {
    return DomainEvent::Kind::kPausedToMigrate;
  }
  return std::nullopt;
}

std::optional<DomainEvent::Kind> KindOfState(int state, int reason) {
  if (state == VIR_DOMAIN_RUNNING) return DomainEvent::Kind::kRuns;
  if (state != VIR_DOMAIN_PAUSED) return std::nullopt;
  if (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY) {
    return DomainEvent::Kind::kPausedToMigrate;
  }
  return std::nullopt;
}

std::unique_ptr<DomainWatch> DomainWatch::Create(const std::string& uri, Callback callback) {
  return std::make_unique<Watch>(uri, std::move(callback));
}

}  // namespace outrider::libvirt
