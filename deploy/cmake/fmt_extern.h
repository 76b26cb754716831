// Who logs or formats into a buffer compiles fmt's formatter, two to three seconds of each unit.
// The shared library has it (fmt 9; later versions declare it so themselves).
#ifndef OUTRIDER_DEPLOY_CMAKE_FMT_EXTERN_H_
#define OUTRIDER_DEPLOY_CMAKE_FMT_EXTERN_H_

#include <fmt/format.h>

#if FMT_VERSION < 100000
FMT_BEGIN_NAMESPACE
namespace detail {
extern template void vformat_to(buffer<char>&, string_view,
                                basic_format_args<FMT_BUFFER_CONTEXT(char)>, locale_ref);
}  // namespace detail
FMT_END_NAMESPACE
#endif

#endif  // OUTRIDER_DEPLOY_CMAKE_FMT_EXTERN_H_
