/* Service data flows of a tunnel end: which of them a packet is of. The same as flows.py, in the same order.
 *
 * A chain has the filters of all flows in the order in which they are tried; each names its flow. */
enum { MOST_FLOWS = 32, MOST_FILTERS = 64, MOST_LIMITS = 4 };
enum { HAS_PROTOCOL = 1, HAS_REMOTE_PORTS = 2, HAS_LOCAL_PORTS = 4, HAS_SPI = 8, HAS_LABEL = 16 };

/* family: 4, 6, or 0 for both. An IPv4 address is in the first octets, the others are zero. */
struct filter {
  u64 remote[2], remote_mask[2], local[2], local_mask[2];
  u16 remote_first, remote_last, local_first, local_last;
  u32 spi, label;
  u8 protocol, tos, tos_mask, family, flags, flow, pad[2];
};
struct flow { u64 qfis; u32 slot, limits[MOST_LIMITS], teid, peer[4]; u8 action, qfi, tos, outer, pad[4]; };
struct chain { u32 count, pad; struct flow flow[MOST_FLOWS]; struct filter filter[MOST_FILTERS]; };

/* What filters look at. */
struct traits {
  u64 remote[2], local[2];
  u32 spi, label;
  u16 remote_port, local_port;
  u8 protocol, tos, family, has; /* has: the flags of those that the packet has */
};

struct { __uint(type, MAP_HASH); __type(key, u32); __type(value, struct chain); __uint(max_entries, 1024); __uint(map_flags, NO_PREALLOC); } chains SEC(".maps");

/* Ports or SPI, where the transport header is there. */
INLINE void see_transport(struct __sk_buff *skb, struct traits *t, u32 at, int uplink) {
  u32 word[2];
  if (skb_load(skb, at, word, 8)) return;
  if (t->protocol == 6 || t->protocol == 17 || t->protocol == 132) {
    u16 source = net16(word[0] & 0xffff), destination = net16(word[0] >> 16);
    t->remote_port = uplink ? destination : source;
    t->local_port = uplink ? source : destination;
    t->has |= HAS_REMOTE_PORTS | HAS_LOCAL_PORTS;
  } else if (t->protocol == 50 || t->protocol == 51) {
    t->spi = net32(t->protocol == 50 ? word[0] : word[1]);
    t->has |= HAS_SPI;
  }
}

INLINE void see(struct __sk_buff *skb, struct traits *t, struct inner *in, int uplink) {
  *t = (struct traits){0};
  t->family = in->family;
  t->protocol = in->proto;
  t->tos = in->tos;
  t->label = in->label;
  t->has = in->family == 6 ? HAS_LABEL : 0;
  for (int i = 0; i < 2; i++) {
    t->remote[i] = uplink ? in->dst[i] : in->src[i];
    t->local[i] = uplink ? in->src[i] : in->dst[i];
  }
  if (!in->later) see_transport(skb, t, in->at, uplink);
}

INLINE int fits(struct filter *f, struct traits *t) {
  if (f->family && f->family != t->family) return 0;
  if ((f->flags & HAS_PROTOCOL) && f->protocol != t->protocol) return 0;
  if ((f->flags & ~(HAS_PROTOCOL | t->has)) != 0) return 0;
  if (((t->remote[0] ^ f->remote[0]) & f->remote_mask[0]) | ((t->remote[1] ^ f->remote[1]) & f->remote_mask[1]))
    return 0;
  if (((t->local[0] ^ f->local[0]) & f->local_mask[0]) | ((t->local[1] ^ f->local[1]) & f->local_mask[1])) return 0;
  if ((f->flags & HAS_REMOTE_PORTS) && (t->remote_port < f->remote_first || t->remote_port > f->remote_last)) return 0;
  if ((f->flags & HAS_LOCAL_PORTS) && (t->local_port < f->local_first || t->local_port > f->local_last)) return 0;
  if ((t->tos ^ f->tos) & f->tos_mask) return 0;
  if ((f->flags & HAS_SPI) && f->spi != t->spi) return 0;
  return !(f->flags & HAS_LABEL) || f->label == t->label;
}

/* The first flow that takes the packet, or none. qfi: of a decapsulated packet; 255: it has none, and filters tell. */
INLINE struct flow *choose(u32 number, struct traits *t, u8 qfi) {
  struct chain *chain = map_lookup(&chains, &number);
  if (!chain) return 0;
  u64 own = 1ull << (qfi & 63) | -(u64)(qfi >> 7); /* no branch: each would double what the verifier walks */
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < MOST_FILTERS; i++) {
    if (i >= chain->count) return 0;
    struct filter *f = &chain->filter[i];
    if (!fits(f, t)) continue;
    u32 n = f->flow;
    if (n >= MOST_FLOWS) return 0;
    struct flow *flow = &chain->flow[n];
    if (flow->qfis && !(flow->qfis & own)) continue;
    return flow;
  }
  return 0;
}
