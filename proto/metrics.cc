#include "proto/metrics.h"

#include <prometheus/text_serializer.h>

namespace outrider {

void MetricPage::Counter(const std::string& name, const std::string& help, double value,
                         const MetricLabels& labels) {
  Add(name, help, prometheus::MetricType::Counter, labels)->counter.value = value;
}

void MetricPage::Gauge(const std::string& name, const std::string& help, double value,
                       const MetricLabels& labels) {
  Add(name, help, prometheus::MetricType::Gauge, labels)->gauge.value = value;
}

void MetricPage::Histogram(const std::string& name, const std::string& help,
                           const prometheus::ClientMetric& collected) {
  *Add(name, help, prometheus::MetricType::Histogram, {}) = collected;
}

prometheus::ClientMetric* MetricPage::Add(const std::string& name, const std::string& help,
                                          prometheus::MetricType type, const MetricLabels& labels) {
  const auto [place, is_new] = places_.emplace(name, families_.size());
  if (is_new) families_.push_back({.name = name, .help = help, .type = type, .metric = {}});
  prometheus::ClientMetric& metric = families_[place->second].metric.emplace_back();
  for (const auto& [label, value] : labels) metric.label.push_back({label, value});
  return &metric;
}

std::string MetricText(const MetricFamilies& families) {
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace outrider
