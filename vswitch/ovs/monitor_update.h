// What changed in a database, in the words of a monitor: <table-updates> of RFC 7047, 4.1.6, and
// <table-updates2> of ovsdb-server(7). Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_MONITOR_UPDATE_H_
#define OUTRIDER_VSWITCH_OVS_MONITOR_UPDATE_H_

#include "vswitch/ovs/monitor_spec.h"

namespace outrider::ovs {

// What takes `from` to `to`: of a column of at most one member the new value; of sets the members
// that are in one of them; of maps the pairs that came or changed (new value) or went (old value).
ovsdb::Datum DatumDiff(const ovsdb::ColumnType& type, const ovsdb::Datum& from,
                       const ovsdb::Datum& to);

// An object; empty: there is nothing to tell.
ovsdb::Json InitialUpdate(const MonitorSpec& spec, const Tables& tables);
ovsdb::Json ChangesUpdate(const MonitorSpec& spec, const Changes& changes);
// `from` and `to` differ in their conditions only: rows that come and go by that.
ovsdb::Json ConditionsUpdate(const MonitorSpec& from, const MonitorSpec& to, const Tables& tables);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MONITOR_UPDATE_H_
