// "Did you mean": the known word nearest to a mistyped one. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_SUGGEST_H_
#define OUTRIDER_CONTROLLER_CLI_SUGGEST_H_

#include <string>
#include <vector>

namespace outrider::controller::cli {

// Levenshtein distance with swapped neighbours counted as one edit (optimal string alignment).
size_t EditDistance(const std::string& a, const std::string& b);

// The one of `known` nearest to `word`: by the whole word, by its beginning ("proto" finds
// "protocol"), or by the part after or before an underscore ("portt" finds "src_port"); the earlier
// one on a tie. Empty when none is near: more than a third of the letters would have to change.
std::string Suggest(const std::string& word, const std::vector<std::string>& known);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_SUGGEST_H_
