// Makes the Open_vSwitch database a view of this host: what clients commit becomes a SwitchConfig
// for the host, what the host reports becomes status columns. Owns cur_cfg, and when a client's
// transaction is answered. Knows no devices, no sockets.
//
// A commit of a client that counts next_cfg up wants to hear when its change is in force. Its
// answer is held back until the host has taken the configuration and the ports the commit touched
// are in force or have failed, kPatience at most; a port that waits for its controller so never
// delays a client that has nothing to do with it (libvirt's `set .. PortData` is inside the guest's
// blackout). cur_cfg follows when the configuration was handed to the datapath.
//
// Thread rule: one thread, that of the database; `post` brings work there from any other.
#ifndef OUTRIDER_VSWITCH_OVS_SWITCH_VIEW_H_
#define OUTRIDER_VSWITCH_OVS_SWITCH_VIEW_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/switch_config.h"
#include "vswitch/ovs/switch_ports.h"
#include "vswitch/ovs/switch_status.h"

namespace outrider::ovs {

class SwitchView {
 public:
  // Below the five seconds that libvirt gives a command.
  static constexpr auto kPatience = std::chrono::milliseconds(4000);
  // Of Interface.statistics, where other_config:stats-update-interval says nothing.
  static constexpr auto kStatisticsInterval = std::chrono::milliseconds(5000);

  // All outlive the view.
  struct Dependencies {
    Database* database;
    SwitchPorts* ports;
    // Runs work on the view's thread, now or after a delay.
    std::function<void(std::function<void()>)> post;
    std::function<void(std::chrono::milliseconds, std::function<void()>)> post_after;
    std::function<std::chrono::steady_clock::time_point()> clock;
  };
  explicit SwitchView(Dependencies dependencies);
  ~SwitchView();
  SwitchView(const SwitchView&) = delete;
  SwitchView& operator=(const SwitchView&) = delete;

  // Brings the database's facts up to date and hands the host what the database holds.
  absl::Status Start(const SwitchIdentity& identity);

  // Right after a client's commit: calls `answer` when the client may hear of it, perhaps at once.
  void AnswerWhenInForce(std::function<void()> answer);

  const SwitchConfig& config() const { return config_; }
  const SwitchReport& report() const { return report_; }

 private:
  // A client's answer that is held back.
  struct Held {
    uint64_t token;
    uint64_t serial;
    std::set<std::string> interfaces;
    std::function<void()> answer;
  };

  void OnCommit(const Changes& changes);
  void NoteInterface(const RowChange& change);
  void OnReport(SwitchReport report);
  void Write(const ovsdb::Json& operations);
  void ReleaseHeld();
  void ReleaseLate(uint64_t token);
  bool IsSettled(const Held& held) const;

  Dependencies dependencies_;
  uint64_t observer_ = 0;
  SwitchConfig config_;
  SwitchReport report_;
  // What the commit under way touched, and whether it counted next_cfg up.
  std::set<std::string> touched_;
  bool counted_ = false;
  // Our own transactions are no news.
  bool writing_ = false;
  std::list<Held> held_;
  uint64_t next_token_ = 1;
  std::chrono::steady_clock::time_point statistics_due_;
  // False once the view is gone: for work that was posted before.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SWITCH_VIEW_H_
