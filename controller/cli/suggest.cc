#include "controller/cli/suggest.h"

#include <algorithm>

namespace outrider::controller::cli {
namespace {

// A distance over long garbage costs time and means nothing.
constexpr size_t kLongestWord = 64;
// Fewer letters begin too many words.
constexpr size_t kShortestStem = 3;

size_t Near(const std::string& word, const std::string& candidate) {
  const size_t most = std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3);
  const size_t distance = EditDistance(word, candidate);
  return distance <= most ? distance : std::string::npos;
}

// A match on a part counts half an edit more than the same match on the whole; a word cut short
// ("proto" for "protocol") as one edit, however much is missing.
size_t Score(const std::string& word, const std::string& candidate) {
  size_t best = std::string::npos;
  if (word.size() >= kShortestStem && candidate.compare(0, word.size(), word) == 0) best = 2;
  if (const size_t whole = Near(word, candidate); whole != std::string::npos) {
    best = std::min(best, 2 * whole);
  }
  for (size_t at = candidate.find('_'); at != std::string::npos; at = candidate.find('_', at + 1)) {
    for (const std::string& part : {candidate.substr(at + 1), candidate.substr(0, at)}) {
      const size_t distance = Near(word, part);
      if (distance != std::string::npos) best = std::min(best, 2 * distance + 1);
    }
  }
  return best;
}

}  // namespace

size_t EditDistance(const std::string& a, const std::string& b) {
  // Three rows of the classic table: a swap looks two rows back.
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::string Suggest(const std::string& word, const std::vector<std::string>& known) {
  if (word.size() > kLongestWord) return "";
  size_t best = std::string::npos;
  std::string nearest;
  for (const std::string& candidate : known) {
    const size_t score = Score(word, candidate);
    if (score < best) {
      best = score;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace outrider::controller::cli
