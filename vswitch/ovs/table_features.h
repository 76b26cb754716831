// What each table of the pipeline may match and do, as 1.3's table features. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_TABLE_FEATURES_H_
#define OUTRIDER_VSWITCH_OVS_TABLE_FEATURES_H_

#include "vswitch/sys/openflow/message.h"

namespace outrider::ovs {

openflow::TableFeaturesList FeaturesOfTables();

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_TABLE_FEATURES_H_
