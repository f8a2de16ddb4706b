/* A G-PDU goes on in another tunnel (N9): what is around it changes in place, its extension headers and what is in it
 * stay. A UDP checksum that is there is mended, one of none stays none. A hop is counted, so that a loop of tunnels ends.
 * 0, or why it does not go on. */
struct relayed4 { struct ipv4 ip; struct udp udp; struct gtpu gtp; } PACKED;
struct relayed6 { struct ipv6 ip; struct udp udp; struct gtpu gtp; } PACKED;

INLINE u32 mend(struct __sk_buff *skb, u32 at, u64 *was, u64 *is, u32 size, u64 flags) {
  s64 change = csum_diff(was, size, is, size, 0);
  return change < 0 || l4_csum_replace(skb, at, 0, change, flags | NONE_STAYS_NONE) ? FAILED : 0;
}

/* The checksum of port and TEID; the field stands at the end of the UDP header. */
INLINE u32 readdress(struct __sk_buff *skb, u32 udp_at, struct udp *udp, struct gtpu *gtp, u32 teid) {
  u32 was[2] = {udp->src, gtp->teid}, is[2] = {net16(2152), teid};
  udp->src = net16(2152), gtp->teid = teid;
  return mend(skb, udp_at + 6, (u64 *)was, (u64 *)is, 8, 0);
}

INLINE u32 relay4(struct __sk_buff *skb, struct settings *c, struct way *way) {
  struct relayed4 h;
  if (skb_load(skb, 14, &h, sizeof h)) return FAILED;
  if (h.ip.ttl < 2) return LOOP;
  u32 was[2] = {h.ip.src, h.ip.dst}, is[2] = {c->local, way->peer[0]}, at = 14 + IPV4_HEADER;
  if (mend(skb, at + 6, (u64 *)was, (u64 *)is, 8, OF_PSEUDO_HEADER)) return FAILED;
  if (readdress(skb, at, &h.udp, &h.gtp, way->teid)) return FAILED;
  h.ip.ttl--, h.ip.tos = way->tos, h.ip.src = is[0], h.ip.dst = is[1], h.ip.csum = 0;
  h.ip.csum = checksum(&h.ip);
  /* but the UDP checksum, which is mended already */
  if (skb_store(skb, 14, &h, IPV4_HEADER + 6, 0)) return FAILED;
  return skb_store(skb, at + 12, &h.gtp.teid, 4, 0) ? FAILED : 0;
}

INLINE u32 relay6(struct __sk_buff *skb, struct settings *c, struct way *way) {
  struct relayed6 h;
  if (skb_load(skb, 14, &h, sizeof h)) return FAILED;
  if (h.ip.hops < 2) return LOOP;
  u64 was[4] = {h.ip.src[0], h.ip.src[1], h.ip.dst[0], h.ip.dst[1]}, is[4] = {c->local6[0], c->local6[1], 0, 0};
  u32 at = 14 + IPV6_HEADER;
  __builtin_memcpy(is + 2, way->peer, 16);
  if (mend(skb, at + 6, was, is, 32, OF_PSEUDO_HEADER)) return FAILED;
  if (readdress(skb, at, &h.udp, &h.gtp, way->teid)) return FAILED;
  h.ip.hops--, h.ip.flow = net32(6u << 28 | (u32)way->tos << 20);
  h.ip.src[0] = is[0], h.ip.src[1] = is[1], h.ip.dst[0] = is[2], h.ip.dst[1] = is[3];
  if (skb_store(skb, 14, &h, IPV6_HEADER + 6, 0)) return FAILED;
  return skb_store(skb, at + 12, &h.gtp.teid, 4, 0) ? FAILED : 0;
}
