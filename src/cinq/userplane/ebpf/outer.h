/* What is around a UE's packet on N3: IPv4 or IPv6, UDP, GTP-U. */
enum { AROUND_GTPU = 24, IPV4_HEADER = 20, IPV6_HEADER = 40, CHUNK = 512, CHUNKS = 18 };

struct around { struct udp udp; struct gtpu gtp; struct gtpu_opt opt; } PACKED;
/* UDP 8, GTP-U 8, sequence to next type 4, PDU Session Container 4 */
struct tail { struct udp udp; struct gtpu gtp; struct gtpu_opt opt; struct psc psc; } PACKED;
struct headers4 { struct ipv4 ip; struct tail tail; } PACKED;
struct headers6 { struct ipv6 ip; struct tail tail; } PACKED;
struct pseudo { u64 src[2], dst[2]; u32 len, next; struct tail tail; } PACKED; /* RFC 8200 8.1 */
struct scratch { u8 octets[2 * CHUNK]; };

struct { __uint(type, MAP_PERCPU_ARRAY); __type(key, u32); __type(value, struct scratch); __uint(max_entries, 1); } scratches SEC(".maps");

/* src: of IPv4 in the first octets. whole: the octets that the IP header says the packet has. */
struct outer { u64 src[2]; u32 whole, family; };

/* Octets of the outer IP header where the packet is for us, of UDP, whole and without options, else 0. */
INLINE u32 outer_header(struct __sk_buff *skb, struct settings *c, struct outer *o) {
  *o = (struct outer){0};
  if (skb->protocol == net16(0x0800)) {
    struct ipv4 ip;
    if (skb_load(skb, 14, &ip, sizeof ip) || ip.vihl != 0x45 || ip.proto != 17 || (ip.frag & net16(0x3fff))) return 0;
    o->whole = net16(ip.len), o->family = 4, o->src[0] = ip.src;
    return c->local && ip.dst == c->local ? IPV4_HEADER : 0;
  }
  struct ipv6 ip;
  if (skb->protocol != net16(0x86dd) || skb_load(skb, 14, &ip, sizeof ip) || ip.next != 17) return 0;
  o->whole = net16(ip.len) + IPV6_HEADER, o->family = 6, o->src[0] = ip.src[0], o->src[1] = ip.src[1];
  return c->local6[0] && ip.dst[0] == c->local6[0] && ip.dst[1] == c->local6[1] ? IPV6_HEADER : 0;
}

INLINE u16 folded(u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

INLINE u16 checksum(const void *header) {
  const u16 *word = header;
  u64 sum = 0;
#pragma unroll
  for (int i = 0; i < 10; i++) sum += word[i];
  return folded(sum);
}

/* Where a packet goes, as its rule or its flow has it. outer: 4 or 6. */
struct way { u32 teid, peer[4]; u8 action, qfi, tos, outer; };

INLINE void build_tail(struct tail *t, struct way *way, u32 len, u8 psc_type) {
  t->udp = (struct udp){net16(2152), net16(2152), net16(AROUND_GTPU + len), 0};
  t->gtp = (struct gtpu){0x34, 255, net16(AROUND_GTPU - 16 + len), way->teid};
  t->opt = (struct gtpu_opt){0, 0, 0x85};
  t->psc = (struct psc){1, psc_type << 4, way->qfi, 0};
}

INLINE int wrap4(struct __sk_buff *skb, struct settings *c, struct way *way, u32 len, u8 psc_type) {
  struct headers4 h;
  u16 whole = net16(IPV4_HEADER + AROUND_GTPU + len);
  h.ip = (struct ipv4){0x45, way->tos, whole, 0, net16(0x4000), 64, 17, 0, c->local, way->peer[0]};
  h.ip.csum = checksum(&h.ip);
  build_tail(&h.tail, way, len, psc_type);
  if (skb_adjust_room(skb, sizeof h, ROOM_MAC, ROOM_ENCAP_IPV4 | ROOM_ENCAP_UDP | ROOM_FIXED_GSO)) return -1;
  return skb_store(skb, 14, &h, sizeof h, 0);
}

/* The sum of the UE's packet, whose own checksum must be finished. -1: it cannot be read. */
INLINE s64 sum_inner(struct __sk_buff *skb, u32 len, u32 sum) {
  u32 zero = 0, at = 14;
  struct scratch *s = map_lookup(&scratches, &zero);
  if (!s) return -1;
#pragma clang loop unroll(disable)
  for (int i = 0; i < CHUNKS && len >= CHUNK; i++) {
    if (skb_load(skb, at, s->octets, CHUNK)) return -1;
    sum = csum_diff(0, 0, s->octets, CHUNK, sum);
    at += CHUNK, len -= CHUNK;
  }
  if (len >= CHUNK) return -1;
  if (!len) return sum;
  *(u32 *)(s->octets + (len & (CHUNK - 4))) = 0; /* the last word may be filled in part */
  len &= CHUNK - 1;
  asm volatile("" : "+r"(len));
  if (len == 0 || len >= CHUNK || skb_load(skb, at, s->octets, len)) return -1;
  return csum_diff(0, 0, s->octets, (len + 3) & (2 * CHUNK - 4), sum);
}

/* Over IPv6 there is always a UDP checksum: the choice of none, RFC 6935, needs every receiver to be told so, and
 * nothing else protects the addresses and the TEID. */
INLINE int wrap6(struct __sk_buff *skb, struct settings *c, struct way *way, u32 len, u8 psc_type) {
  struct headers6 h;
  struct pseudo p = {{c->local6[0], c->local6[1]}, {0, 0}, net32(AROUND_GTPU + len), net32(17)};
  __builtin_memcpy(p.dst, way->peer, 16);
  build_tail(&p.tail, way, len, psc_type);
  s64 sum = sum_inner(skb, len, csum_diff(0, 0, &p, sizeof p, 0));
  if (sum < 0) return -1;
  h.ip = (struct ipv6){net32(6u << 28 | (u32)way->tos << 20), net16(AROUND_GTPU + len), 17, 64, {p.src[0], p.src[1]}, {p.dst[0], p.dst[1]}};
  h.tail = p.tail;
  h.tail.udp.csum = folded(sum);
  if (!h.tail.udp.csum) h.tail.udp.csum = 0xffff;
  if (skb_adjust_room(skb, sizeof h, ROOM_MAC, ROOM_ENCAP_IPV6 | ROOM_ENCAP_UDP | ROOM_FIXED_GSO)) return -1;
  return skb_store(skb, 14, &h, sizeof h, 0);
}
