/* GTP-U (TS 29.281) tunnel end on tcx: the same program serves a UPF and a gNB.
 *
 *   decap        N3 and N9 ingress: outer header removal, then the stack (UPF) or the UE's interface (gNB); or on in
 *                another tunnel
 *   encap_n6     N6 ingress: downlink of the wire's size; what must be segmented goes on to the stack
 *   encap_pool   far end of the segmenter pair, where the stack delivers what it routed to the UE pool
 *   encap_ue     gNB: ingress from the UE's interface, keyed on the UE's source address
 *
 * A packet to be buffered goes out of a TAP to user space, which reports the first one, keeps the rest and later
 * sends them itself.
 * All loads go through bpf_skb_load_bytes: no packet pointers. CAP_PERFMON is for arithmetic on pointers into
 * maps, which the verifier prohibits without it. The structures and the order of enum reason are mirrored in maps.py and rules.py; a test holds them side by side. */
#include "bpf_min.h"

enum { ROLE_GNB = 1, DENY_UE_TO_UE = 2, HAS_PROTECTED = 4, HAS_NETWORKS = 8, HAS_ROUTES = 16 };
enum { DROP = 0, FORWARD = 1, BUFFER = 2 };
enum { TO_PEER = 1, FRAMES = 2, RELAYS = 4, TO_UE = 8, OPAQUE = 16 };
enum { VERSION = 15, BY_N9 = 16 }; /* of `outer`: the version of IP that the peer has, and whether it is reached by N9 */
enum mode { N6, POOL, UE };
enum { MOST_PEERS = 4, STRANGE = 4 };
enum { ANY_PROTOCOL = 255, WHOLE_HOST = 1 };
enum { LINK_LOCAL = 169 | 254 << 8 }; /* 169.254.0.0/16, RFC 3927, as it is in memory */

enum reason {
  SLOW_PATH, UNKNOWN_TEID, MALFORMED, SPOOFED, PROTECTED, UE_TO_UE, POLICED, RULE_DROP,
  UNKNOWN_UE, TOO_BIG, FAILED, BUFFER_FULL, FLOOD, WRONG_QFI, PUNTED, SEGMENTED, NO_FLOW,
  LOOP, WRONG_PEER, DISCARDED, REASONS
};

#include "inner.h"
#include "flows.h"

/* local, local6: our addresses on N3, 0 for none */
struct settings { u32 local, n3_if, buffer_if, mtu, flags, punt_limit; u64 slow_ns, slow_burst_ns, local6[2]; u8 ue_mac[12]; u32 n9_if; };
/* chain: of its flows, which then decide instead of action and what follows; 0 for none */
/* prefix: of an IPv6 session, in network order; 0 for none */
/* peers: from whom packets may come, address and mask of a family (4 or 6); none in the first is anybody */
struct peer { u64 address[2], mask[2]; u32 family, pad; };
/* teid, peer, tos, outer: of the tunnel that packets go on in */
struct decap_rule { u32 slot, ue, port, chain; u64 prefix; struct peer peers[MOST_PEERS]; u32 teid, peer[4], punted; u8 action, qfi, flags, tos, outer, pad[3]; };
struct encap_rule { u32 slot, chain, punted, teid, peer[4]; u8 action, qfi, tos, outer; };
struct policer { u64 decap_cost, encap_cost, burst_ns, decap_tat, encap_tat, decap_drops, encap_drops; };
struct usage { u64 decap_octets, decap_packets, encap_octets, encap_packets; };
struct endpoint { u64 address[2]; u16 port; u8 protocol, family; u32 pad; };
struct network { u32 bits, address; };
struct network6 { u32 bits; u64 address[2]; } PACKED;

struct { __uint(type, MAP_ARRAY); __type(key, u32); __type(value, struct settings); __uint(max_entries, 1); } settings SEC(".maps");
struct { __uint(type, MAP_HASH); __type(key, u32); __type(value, struct decap_rule); __uint(max_entries, 1024); } decaps SEC(".maps");
struct { __uint(type, MAP_HASH); __type(key, u32); __type(value, struct encap_rule); __uint(max_entries, 1024); } encaps SEC(".maps");
struct { __uint(type, MAP_HASH); __type(key, u64); __type(value, struct encap_rule); __uint(max_entries, 1024); } encaps6 SEC(".maps");
struct { __uint(type, MAP_HASH); __type(key, struct endpoint); __type(value, u32); __uint(max_entries, 256); } protected SEC(".maps");
struct { __uint(type, MAP_LPM_TRIE); __type(key, struct network); __type(value, u32); __uint(max_entries, 256); __uint(map_flags, NO_PREALLOC); } networks SEC(".maps");
struct { __uint(type, MAP_LPM_TRIE); __type(key, struct network6); __type(value, u32); __uint(max_entries, 1024); __uint(map_flags, NO_PREALLOC); } networks6 SEC(".maps");
/* networks behind UEs: the key of the UE in encaps, or in encaps6 */
struct { __uint(type, MAP_LPM_TRIE); __type(key, struct network); __type(value, u32); __uint(max_entries, 1024); __uint(map_flags, NO_PREALLOC); } routes SEC(".maps");
struct { __uint(type, MAP_LPM_TRIE); __type(key, struct network6); __type(value, u64); __uint(max_entries, 1024); __uint(map_flags, NO_PREALLOC); } routes6 SEC(".maps");
struct { __uint(type, MAP_ARRAY); __type(key, u32); __type(value, struct policer); __uint(max_entries, 1024); } policers SEC(".maps");
struct { __uint(type, MAP_PERCPU_ARRAY); __type(key, u32); __type(value, struct usage); __uint(max_entries, 1024); } usages SEC(".maps");
struct { __uint(type, MAP_PERCPU_ARRAY); __type(key, u32); __type(value, u64); __uint(max_entries, REASONS); } reasons SEC(".maps");
struct { __uint(type, MAP_ARRAY); __type(key, u32); __type(value, u64); __uint(max_entries, 3); } slow_tat SEC(".maps");

#include "outer.h"
#include "relay.h"

INLINE void count(u32 reason) {
  u64 *n = map_lookup(&reasons, &reason);
  if (n) ++*n;
}
INLINE int drop(u32 reason) {
  count(reason);
  return TC_SHOT;
}

/* GCRA, virtual scheduling, exact across CPUs by compare-and-swap. 1: conforms. */
INLINE int conforms(u64 *tat, u64 cost_ns, u64 burst_ns) {
  u64 now = ktime_ns();
#pragma unroll
  for (int i = 0; i < 4; i++) {
    u64 seen = *(volatile u64 *)tat, base = seen > now ? seen : now;
    if (base - now > burst_ns) return 0;
    if (__sync_val_compare_and_swap(tat, seen, base + cost_ns) == seen) return 1;
  }
  return 1;
}

/* Under all limits of a flow, or under none: what one refuses is not charged to the others. */
INLINE int admitted(u32 *limits, u32 len, int encap) {
  u64 now = ktime_ns();
#pragma unroll
  for (int i = 0; i < MOST_LIMITS; i++) {
    u32 slot = limits[i] - 1;
    struct policer *p = limits[i] ? map_lookup(&policers, &slot) : 0;
    if (!p || !(encap ? p->encap_cost : p->decap_cost)) continue;
    if (*(volatile u64 *)(encap ? &p->encap_tat : &p->decap_tat) <= now + p->burst_ns) continue;
    __sync_fetch_and_add(encap ? &p->encap_drops : &p->decap_drops, 1);
    return 0;
  }
#pragma unroll
  for (int i = 0; i < MOST_LIMITS; i++) {
    u32 slot = limits[i] - 1;
    struct policer *p = limits[i] ? map_lookup(&policers, &slot) : 0;
    u64 cost = p ? (encap ? p->encap_cost : p->decap_cost) : 0;
    if (p && cost) conforms(encap ? &p->encap_tat : &p->decap_tat, len * cost >> 16, p->burst_ns);
  }
  return 1;
}

/* Echo, Error Indication, unknown TEID and whatever else the user-space socket answers, bounded. */
INLINE int slow_path(struct settings *c, u32 reason) {
  u32 which = reason == UNKNOWN_TEID; /* no Echo suffers from those */
  u64 *tat = map_lookup(&slow_tat, &which);
  if (tat && !conforms(tat, c->slow_ns, c->slow_burst_ns)) return drop(FLOOD);
  count(reason);
  return TC_NEXT;
}

/* From an address that has not the tunnel: it may be where the UE is moving to, so user space keeps some. */
INLINE int stranger(struct settings *c) {
  u32 which = 2;
  u64 *tat = map_lookup(&slow_tat, &which);
  return tat && !conforms(tat, c->slow_ns / STRANGE, c->slow_burst_ns) ? drop(WRONG_PEER) : TC_NEXT;
}
INLINE int has_tunnel(struct decap_rule *rule, struct outer *o) {
  if (!rule->peers[0].family) return 1;
#pragma unroll
  for (int i = 0; i < MOST_PEERS; i++) {
    struct peer *p = &rule->peers[i];
    if (p->family != o->family) continue;
    if (!(((o->src[0] ^ p->address[0]) & p->mask[0]) | ((o->src[1] ^ p->address[1]) & p->mask[1]))) return 1;
  }
  return 0;
}

/* Octets that a PDU Session Container must have by what its flags announce: packet.py. */
INLINE u32 announced(u8 first, u8 second) {
  if (first >> 4 == 1)
    return 2 + 24 * (first >> 3 & 1) + 4 * (first >> 2 & 1) + 4 * (first >> 1 & 1) + 3 * (first & 1) + 4 * (second >> 7) +
           (second >> 6 & 1);
  return 2 + (second >> 7) + 8 * (first >> 3 & 1) + 3 * (first >> 2 & 1);
}

/* TS 29.281 5.2: walks the extension headers. Returns octets to strip after the Ethernet header, 0: slow path,
 * -1: malformed. offset: where the mandatory header ends. *qfi is that of a PDU Session Container, or 255; pdu_type: what it has to be (TS 38.415 5.5.3.1). */
INLINE int extensions(struct __sk_buff *skb, u32 offset, u8 flags, u8 next, u8 *qfi, u8 pdu_type) {
  if (!(flags & 7)) return offset;
  offset += 4;
  if (!(flags & 4)) return offset;
#pragma unroll
  for (int i = 0; i < 3; i++) {
    u8 ext[4];
    if (!next) break;
    if (skb_load(skb, 14 + offset, ext, 4) || !ext[0]) return -1;
    if (next == 0x85) {
      if (ext[1] >> 4 != pdu_type || ext[0] * 4u - 2 < announced(ext[1], ext[2])) return -1;
      *qfi = ext[2] & 63;
    } else if ((next & 0x80) && next != 0xc0) return 0;
    next = ext[3];
    if (ext[0] != 1 && skb_load(skb, 14 + offset + ext[0] * 4 - 1, &next, 1)) return -1;
    offset += ext[0] * 4;
  }
  return next ? 0 : offset;
}

/* Octets that must follow the inner IP header of a first fragment. */
INLINE u32 transport_header(u8 protocol) {
  return protocol == 6 ? 20 : protocol == 17 || protocol == 1 || protocol == ICMPV6 ? 8 : protocol == 132 ? 12 : 0;
}

INLINE int is_protected(struct __sk_buff *skb, struct inner *in) {
  struct endpoint e = {{in->dst[0], in->dst[1]}, 0, ANY_PROTOCOL, in->family, 0};
  u32 *host = map_lookup(&protected, &e);
  if (!host) return 0;
  if (*host == WHOLE_HOST) return 1;
  e.protocol = in->proto;
  if (map_lookup(&protected, &e)) return 1;
  u16 ports[2];
  if (in->later || skb_load(skb, in->at, ports, 4)) return 0;
  e.port = ports[1];
  return map_lookup(&protected, &e) != 0;
}

INLINE void used(u32 slot, u32 octets, int encap) {
  struct usage *u = map_lookup(&usages, &slot);
  if (!u) return;
  if (encap) u->encap_octets += octets, u->encap_packets++;
  else u->decap_octets += octets, u->decap_packets++;
}

/* The rule of the UE that has the address, or that it is behind. */
INLINE struct encap_rule *ue_at4(struct settings *c, u32 address) {
  struct encap_rule *rule = map_lookup(&encaps, &address);
  if (rule || !(c->flags & HAS_ROUTES)) return rule;
  struct network to = {32, address};
  u32 *ue = map_lookup(&routes, &to);
  return ue ? map_lookup(&encaps, ue) : 0;
}
INLINE struct encap_rule *ue_at6(struct settings *c, u64 *address) {
  u64 prefix = address[0];
  struct encap_rule *rule = map_lookup(&encaps6, &prefix);
  if (rule || !(c->flags & HAS_ROUTES)) return rule;
  struct network6 to = {128, {address[0], address[1]}};
  u64 *ue = map_lookup(&routes6, &to);
  return ue ? map_lookup(&encaps6, ue) : 0;
}

/* Whether the address is of a network behind the UE of the rule. */
INLINE int is_behind(struct settings *c, struct decap_rule *rule, u8 family, u64 *address) {
  if (!(c->flags & HAS_ROUTES)) return 0;
  if (family == 4) {
    struct network to = {32, address[0]};
    u32 *ue = map_lookup(&routes, &to);
    return ue && *ue == rule->ue;
  }
  struct network6 to = {128, {address[0], address[1]}};
  u64 *ue = map_lookup(&routes6, &to);
  return ue && *ue == rule->prefix;
}

INLINE int is_link_local(u64 *address) { return (*(u8 *)address == 0xfe) && (((u8 *)address)[1] & 0xc0) == 0x80; }

/* A router solicitation (UPF) or advertisement (gNB): user space answers, or reads it. */
INLINE int is_discovery(struct __sk_buff *skb, struct settings *c, struct inner *in) {
  u8 type;
  if (in->family != 6 || in->proto != ICMPV6 || in->later || skb_load(skb, in->at, &type, 1)) return 0;
  return is_link_local(in->src) && type == (c->flags & ROLE_GNB ? 134 : 133);
}

/* Whether a UE may not send there, whatever the port. */
INLINE u32 refuse_destination(struct settings *c, struct inner *in) {
  if (in->family == 6) {
    u8 first = in->dst[0];
    if (!in->dst[0] || first == 0xff || is_link_local(in->dst)) return PROTECTED;
    if ((c->flags & DENY_UE_TO_UE) && ue_at6(c, in->dst)) return UE_TO_UE;
    struct network6 to = {128, {in->dst[0], in->dst[1]}};
    return (c->flags & HAS_NETWORKS) && map_lookup(&networks6, &to) ? PROTECTED : 0;
  }
  u8 first = in->dst[0]; /* of the address: NOWHERE in rules.py */
  u32 other = in->dst[0];
  if (!first || first == 127 || first >= 224 || (other & 0xffff) == LINK_LOCAL) return PROTECTED;
  if ((c->flags & DENY_UE_TO_UE) && ue_at4(c, other)) return UE_TO_UE;
  struct network to = {32, other};
  return (c->flags & HAS_NETWORKS) && map_lookup(&networks, &to) ? PROTECTED : 0;
}

/* 0: the inner packet is from the UE (UPF), or for it (gNB), else the reason to drop it. */
INLINE u32 refuse_source(struct __sk_buff *skb, struct settings *c, struct decap_rule *rule, struct inner *in) {
  if (rule->flags & OPAQUE) return 0;
  if (is_discovery(skb, c, in)) return SLOW_PATH;
  u64 *end = c->flags & ROLE_GNB ? in->dst : in->src, own = in->family == 6 ? rule->prefix : rule->ue;
  if (!own || (end[0] != own && !is_behind(c, rule, in->family, end))) return SPOOFED;
  return 0;
}

/* 0: the packet may leave by N6, else the reason to drop it. */
INLINE u32 refuse_leaving(struct __sk_buff *skb, struct settings *c, struct inner *in) {
  if (c->flags & ROLE_GNB) return 0;
  u32 refused = refuse_destination(c, in);
  if (refused) return refused;
  return (c->flags & HAS_PROTECTED) && is_protected(skb, in) ? PROTECTED : 0;
}

/* 0: under the limits of its flow or of the session, else the reason to drop it. Counted. back: towards the UE. */
INLINE u32 refuse_charge(u32 slot, struct flow *flow, u32 len, int back) {
  if (flow && !admitted(flow->limits, len, back)) return POLICED;
  struct policer *p = flow ? 0 : map_lookup(&policers, &slot);
  u64 cost = p ? (back ? p->encap_cost : p->decap_cost) : 0;
  if (p && cost && !conforms(back ? &p->encap_tat : &p->decap_tat, len * cost >> 16, p->burst_ns)) {
    __sync_fetch_and_add(back ? &p->encap_drops : &p->decap_drops, 1);
    return POLICED;
  }
  if (flow) used(flow->slot, len, back);
  used(slot, len, back);
  return 0;
}

/* A packet from a tunnel for an idle UE: user space keeps it, and sees no more of one session than may wait. */
INLINE int wait(struct settings *c, struct decap_rule *rule) {
  return __sync_fetch_and_add(&rule->punted, 1) >= c->punt_limit ? drop(BUFFER_FULL) : TC_NEXT;
}

SEC("tc") int decap(struct __sk_buff *skb) {
  struct around h;
  struct outer o;
  u32 zero = 0;
  struct settings *c = map_lookup(&settings, &zero);
  u32 ip = c ? outer_header(skb, c, &o) : 0, ip_len = o.whole;
  if (!ip || skb_load(skb, 14 + ip, &h, sizeof h) || h.udp.dst != net16(2152)) return TC_NEXT;
  if (ip == IPV6_HEADER && !h.udp.csum) return TC_NEXT; /* the stack drops it, RFC 8200 8.1 */
  u32 gtp_len = net16(h.gtp.len), gtpu = ip + 16;
  if ((h.gtp.flags & 0xf0) != 0x30 || h.gtp.type != 255) return slow_path(c, SLOW_PATH);
  u32 teid = h.gtp.teid;
  struct decap_rule *rule = map_lookup(&decaps, &teid);
  if (!rule) return slow_path(c, UNKNOWN_TEID);
  if (!has_tunnel(rule, &o)) return stranger(c);
  if (rule->flags & FRAMES) return TC_NEXT; /* an Ethernet session, which user space switches */
  /* odd sizes (padding, GSO of a sending socket): the stack cuts them to measure and user space judges */
  if (skb->gso_size || skb->len != 14 + ip_len || net16(h.udp.len) + ip != ip_len || gtp_len + gtpu != ip_len)
    return slow_path(c, SLOW_PATH);
  u8 qfi = 255;
  u32 flags = rule->flags;
  int back = (flags & TO_UE) != 0;
  int strip = extensions(skb, gtpu, h.gtp.flags, h.opt.next, &qfi, (c->flags & ROLE_GNB) || back ? 0 : 1);
  if (!strip) return slow_path(c, SLOW_PATH);
  if (strip < 0 || (u32)strip > ip_len) return drop(MALFORMED);
  u32 len = ip_len - strip;
  struct inner in = {0};
  u32 chain = rule->chain, refused = 0;
  struct way way = {rule->teid, {0}, rule->action, rule->qfi, rule->tos, rule->outer};
  __builtin_memcpy(way.peer, rule->peer, 16);
  if (!chain && way.action != FORWARD && !back) return drop(RULE_DROP);
  if (!chain && way.qfi && qfi < 64 && way.qfi != qfi) return drop(WRONG_QFI);
  if (chain || !(flags & OPAQUE)) {
    refused = read_inner(skb, &in, 14 + strip, len);
    if (!refused && !in.later && 14 + ip_len - in.at < transport_header(in.proto)) refused = MALFORMED;
    if (!refused) refused = refuse_source(skb, c, rule, &in);
    if (in.family == 6 && refused == SLOW_PATH) return slow_path(c, SLOW_PATH);
    if (refused) return drop(refused);
  }
  struct flow *flow = 0;
  if (chain) {
    struct traits t;
    see(skb, &t, &in, !(c->flags & ROLE_GNB) && !back);
    flow = choose(chain, &t, qfi);
    if (!flow) return drop(NO_FLOW);
    way = (struct way){flow->teid, {0}, flow->action, flow->qfi, flow->tos, flow->outer};
    __builtin_memcpy(way.peer, flow->peer, 16);
  }
  if (way.action == BUFFER && back) return wait(c, rule);
  if (way.action != FORWARD || (back && !way.outer)) return drop(RULE_DROP);
  if (way.outer && (way.outer & VERSION) != o.family) return TC_NEXT; /* user space carries it across */
  if (!way.outer) refused = refuse_leaving(skb, c, &in);
  if (!refused) refused = refuse_charge(rule->slot, flow, len, back);
  if (refused) return drop(refused);
  if (way.outer) {
    refused = o.family == 6 ? relay6(skb, c, &way) : relay4(skb, c, &way);
    return refused ? drop(refused) : redirect_neigh(way.outer & BY_N9 ? c->n9_if : c->n3_if, 0, 0, 0);
  }
  u64 bare = in.family == 6 ? ROOM_DECAP_IPV6 : ROOM_DECAP_IPV4;
  if (skb_adjust_room(skb, -strip, ROOM_MAC, ROOM_FIXED_GSO | bare)) return drop(FAILED);
  u16 type = in.family == 6 ? net16(0x86dd) : net16(0x0800);
  if ((in.family == 6) != (ip == IPV6_HEADER)) skb_store(skb, 12, &type, 2, 0);
  if (!(c->flags & ROLE_GNB)) return TC_NEXT;
  skb_store(skb, 0, c->ue_mac, 12, 0);
  return rule->flags & TO_PEER ? redirect_peer(rule->port, 0) : redirect(rule->port, 0);
}

/* The N6 interface receives for a router, so it counts the hop: RFC 1624 on the pair TTL, checksum; IPv6 has none. */
INLINE int hop(struct __sk_buff *skb, struct ipv4 *ip) {
  struct { u8 ttl, proto; u16 csum; } PACKED w = {ip->ttl - 1, ip->proto, 0};
  u32 sum = net16(ip->csum) + 0x0100;
  w.csum = net16((u16)(sum + (sum >> 16)));
  return skb_store(skb, 14 + 8, &w, 4, 0);
}
INLINE int hop6(struct __sk_buff *skb, u8 hops) {
  hops--;
  return skb_store(skb, 14 + 7, &hops, 1, 0);
}

/* The stack and user space see no more of one session than may wait, so a flood to an idle UE costs little. */
INLINE int punt(struct settings *c, struct encap_rule *rule) {
  if (__sync_fetch_and_add(&rule->punted, 1) >= c->punt_limit) return drop(BUFFER_FULL);
  count(PUNTED);
  return redirect(c->buffer_if, 0);
}

INLINE int miss(enum mode mode) {
  return mode == N6 ? TC_NEXT : drop(mode == POOL ? UNKNOWN_UE : SPOOFED);
}

/* An IP header whose UE has a rule: that, with what the rest of the work is to know of the packet. */
struct found { struct encap_rule *rule; u32 whole; u8 hops; };

/* GTP-U that we sent ourselves: a tunnel that leads to a UE of ours has no end. */
INLINE int is_own(struct __sk_buff *skb, struct settings *c, struct ipv4 *ip) {
  u16 ports[2];
  if (ip->src != c->local || ip->proto != 17) return 0;
  if (ip->frag & net16(0x1fff)) return 1;
  return !skb_load(skb, 14 + (ip->vihl & 15) * 4, ports, 4) && ports[1] == net16(2152);
}

INLINE int find4(struct __sk_buff *skb, struct settings *c, struct ipv4 *ip, struct found *f, enum mode mode) {
  if (skb_load(skb, 14, ip, 20)) return -1;
  f->rule = ue_at4(c, mode == UE ? ip->src : ip->dst);
  f->whole = net16(ip->len);
  f->hops = ip->ttl;
  return 0;
}
INLINE int find6(struct __sk_buff *skb, struct settings *c, struct found *f, enum mode mode) {
  struct ipv6 ip;
  if (skb_load(skb, 14, &ip, 40)) return -1;
  u64 ue[2] = {mode == UE ? ip.src[0] : ip.dst[0], mode == UE ? ip.src[1] : ip.dst[1]};
  f->rule = ue_at6(c, ue);
  f->whole = net16(ip.len) + 40;
  f->hops = ip.hops;
  return 0;
}

INLINE int encap(struct __sk_buff *skb, enum mode mode) {
  struct ipv4 ip;
  struct found f;
  u32 zero = 0, len = skb->len - 14;
  struct settings *c = map_lookup(&settings, &zero);
  int is_v6 = skb->protocol == net16(0x86dd);
  if (!c || (!is_v6 && skb->protocol != net16(0x0800))) return mode == N6 ? TC_NEXT : TC_SHOT;
  if (is_v6 ? find6(skb, c, &f, mode) : find4(skb, c, &ip, &f, mode)) return mode == N6 ? TC_NEXT : TC_SHOT;
  struct encap_rule *rule = f.rule;
  if (!rule) return miss(mode);
  if (mode != UE && !is_v6 && is_own(skb, c, &ip)) return drop(LOOP);
  if (skb->gso_size || len > c->mtu || f.whole != len || (mode == N6 && f.hops < 2)) {
    if (mode != N6) return drop(TOO_BIG);
    count(SEGMENTED); /* the stack segments, fragments or answers ICMP, and what is left comes to encap_pool */
    return TC_NEXT;
  }
  u32 slot = rule->slot, chain = rule->chain;
  struct way way = {rule->teid, {0}, rule->action, rule->qfi, rule->tos, rule->outer};
  __builtin_memcpy(way.peer, rule->peer, 16);
  struct flow *flow = 0;
  if (chain) {
    struct inner in;
    struct traits t;
    if (read_inner(skb, &in, 14, len)) return drop(MALFORMED);
    see(skb, &t, &in, c->flags & ROLE_GNB);
    flow = choose(chain, &t, 255);
    if (!flow) return drop(NO_FLOW);
    way = (struct way){flow->teid, {0}, flow->action, flow->qfi, flow->tos, flow->outer};
    __builtin_memcpy(way.peer, flow->peer, 16);
  }
  if (way.action == BUFFER) return punt(c, rule);
  if (way.action == DROP || !way.outer) return drop(RULE_DROP);
  u32 out_if = way.outer & BY_N9 ? c->n9_if : c->n3_if;
  way.outer &= VERSION;
  if (mode == N6 && way.outer == 6) { /* what another interface of this host left unfinished the stack finishes first */
    count(SEGMENTED);
    return TC_NEXT;
  }
  if (flow && !admitted(flow->limits, len, 1)) return drop(POLICED);
  struct policer *p = flow ? 0 : map_lookup(&policers, &slot);
  if (p && p->encap_cost && !conforms(&p->encap_tat, len * p->encap_cost >> 16, p->burst_ns)) {
    __sync_fetch_and_add(&p->encap_drops, 1);
    return drop(POLICED);
  }
  if (mode == N6 && (is_v6 ? hop6(skb, f.hops) : hop(skb, &ip))) return drop(FAILED);
  u8 pdu_type = c->flags & ROLE_GNB ? 1 : 0;
  if (way.outer == 6 ? wrap6(skb, c, &way, len, pdu_type) : wrap4(skb, c, &way, len, pdu_type)) return drop(FAILED);
  used(slot, len, 1);
  if (flow) used(flow->slot, len, 1);
  return redirect_neigh(out_if, 0, 0, 0);
}

SEC("tc") int encap_n6(struct __sk_buff *skb) { return encap(skb, N6); }
SEC("tc") int encap_pool(struct __sk_buff *skb) { return encap(skb, POOL); }
SEC("tc") int encap_ue(struct __sk_buff *skb) { return encap(skb, UE); }

char _license[] SEC("license") = "Apache-2.0";
