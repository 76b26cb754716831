#include "tests/support/foreign_qdisc.h"

#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/fifo.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace outrider::tests {
namespace {

struct Closer {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
  void operator()(rtnl_qdisc* qdisc) const { rtnl_qdisc_put(qdisc); }
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};

void Check(int error, const std::string& what) {
  if (error < 0) throw std::runtime_error(what + ": " + nl_geterror(error));
}

std::unique_ptr<nl_sock, Closer> Connect() {
  std::unique_ptr<nl_sock, Closer> socket(nl_socket_alloc());
  Check(nl_connect(socket.get(), NETLINK_ROUTE), "connect");
  return socket;
}

std::unique_ptr<rtnl_qdisc, Closer> AtRoot(int ifindex) {
  std::unique_ptr<rtnl_qdisc, Closer> qdisc(rtnl_qdisc_alloc());
  rtnl_tc_set_ifindex(TC_CAST(qdisc.get()), ifindex);
  rtnl_tc_set_parent(TC_CAST(qdisc.get()), TC_H_ROOT);
  return qdisc;
}

}  // namespace

void AddForeignQdisc(int ifindex) {
  const auto socket = Connect();
  const auto qdisc = AtRoot(ifindex);
  rtnl_tc_set_handle(TC_CAST(qdisc.get()), kForeignHandle);
  rtnl_tc_set_kind(TC_CAST(qdisc.get()), "pfifo");
  rtnl_qdisc_fifo_set_limit(qdisc.get(), 100);
  Check(rtnl_qdisc_add(socket.get(), qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE), "add qdisc");
}

uint32_t RootQdisc(int ifindex) {
  const auto socket = Connect();
  nl_cache* raw = nullptr;
  Check(rtnl_qdisc_alloc_cache(socket.get(), &raw), "list qdiscs");
  const std::unique_ptr<nl_cache, Closer> cache(raw);
  const std::unique_ptr<rtnl_qdisc, Closer> found(
      rtnl_qdisc_get_by_parent(raw, ifindex, TC_H_ROOT));
  return found == nullptr ? 0 : rtnl_tc_get_handle(TC_CAST(found.get()));
}

void DeleteRootQdisc(int ifindex) {
  const auto socket = Connect();
  const auto qdisc = AtRoot(ifindex);
  Check(rtnl_qdisc_delete(socket.get(), qdisc.get()), "delete qdisc");
}

}  // namespace outrider::tests
