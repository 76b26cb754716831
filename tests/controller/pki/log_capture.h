// Collects what is logged while it lives, for tests of the audit trail. Thread-safe.
#ifndef OUTRIDER_TESTS_CONTROLLER_PKI_LOG_CAPTURE_H_
#define OUTRIDER_TESTS_CONTROLLER_PKI_LOG_CAPTURE_H_

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <string>

namespace outrider::controller {

class LogCapture {
 public:
  LogCapture() : before_(spdlog::default_logger()) {
    sink_->set_pattern("%l %v");
    auto logger = std::make_shared<spdlog::logger>("capture", sink_);
    logger->set_level(spdlog::level::debug);
    spdlog::set_default_logger(logger);
  }
  ~LogCapture() { spdlog::set_default_logger(before_); }

  // Lines so far, "<level> <text>".
  std::string text() const { return sink_->text(); }

 private:
  class Sink : public spdlog::sinks::base_sink<std::mutex> {
   public:
    std::string text() {
      const std::lock_guard lock(mutex_);
      return text_;
    }

   protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
      spdlog::memory_buf_t line;
      formatter_->format(message, line);
      text_.append(line.data(), line.size());
    }
    void flush_() override {}

   private:
    std::string text_;
  };

  const std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
  const std::shared_ptr<spdlog::logger> before_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_PKI_LOG_CAPTURE_H_
