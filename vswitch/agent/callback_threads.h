// gRPC's threads for calls that are answered by callbacks. Knows no channel of ours.
//
// gRPC 1.51 (src/cpp/client/channel_cc.cc) starts them with the first channel that makes such a
// call, and ends them with the last. To end them it frees its completion queue twice once in some
// hundred times, and the process aborts. An agent's channels come and go, one for each session and
// each move: so the threads are kept.
//
// Thread rule: any.
#ifndef OUTRIDER_VSWITCH_AGENT_CALLBACK_THREADS_H_
#define OUTRIDER_VSWITCH_AGENT_CALLBACK_THREADS_H_

namespace outrider::agent {

// Before the first channel is made; again and again does no harm. From then on the threads last as
// long as the process.
void KeepCallbackThreads();

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CALLBACK_THREADS_H_
