// Looks a store's file over before anything may write to it.
//
// Any thread; the caller holds the file's lock.
#ifndef OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_CHECK_H_
#define OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_CHECK_H_

#include <string>

#include "controller/model/status.h"

namespace outrider::controller {

// OK when the file is a sound store: header, application id, SQLite's integrity check including
// what is in the write-ahead log, every row's checksum, version and revision. DataLoss otherwise:
// what was found and what to do. Reads only; makes no files.
absl::Status CheckFile(const std::string& path);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_CHECK_H_
