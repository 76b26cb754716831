// A ReportObserver that keeps what it is told.
#ifndef OUTRIDER_TESTS_AGENT_RECORDING_OBSERVER_H_
#define OUTRIDER_TESTS_AGENT_RECORDING_OBSERVER_H_

#include <vector>

#include "vswitch/agent/port_reports.h"

namespace outrider::agent {

struct RecordingObserver final : ReportObserver {
  void OnAcknowledgement(const Acknowledgement& acknowledgement) override {
    acknowledgements.push_back(acknowledgement);
  }
  void OnReceipt(const PortReceipt& receipt) override { receipts.push_back(receipt); }
  void OnPortEvent(const PortEvent& event) override { events.push_back(event); }
  void OnMoveReport(const MoveReport& report) override { moves.push_back(report); }
  void OnProbeReport(const ProbeReport& report) override { probes.push_back(report); }
  void Clear() { *this = RecordingObserver(); }

  std::vector<Acknowledgement> acknowledgements;
  std::vector<PortReceipt> receipts;
  std::vector<PortEvent> events;
  std::vector<MoveReport> moves;
  std::vector<ProbeReport> probes;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_RECORDING_OBSERVER_H_
