/* The packet of a UE inside a G-PDU, as inner.py sees it: one whole IPv4 or IPv6 packet. */
enum { ICMPV6 = 58, FRAGMENT = 44, MOST_EXTENSIONS = 6 };

/* Addresses: of IPv4 in the first octets of [0]. at: the transport header, after the Ethernet header. */
struct inner { u64 src[2], dst[2]; u32 at, label; u8 family, proto, tos, later; };

INLINE int is_extension(u8 next) { return next == 0 || next == 43 || next == FRAGMENT || next == 60; }

INLINE u32 ipv4_header(struct __sk_buff *skb, struct inner *in, u32 at, u32 len) {
  struct ipv4 ip;
  if (len < 20 || skb_load(skb, at, &ip, 20)) return MALFORMED;
  u32 ihl = (ip.vihl & 15) * 4;
  if (ihl < 20 || ihl > len || net16(ip.len) != len) return MALFORMED;
  in->src[0] = ip.src, in->dst[0] = ip.dst;
  in->at = at + ihl, in->family = 4, in->proto = ip.proto, in->tos = ip.tos;
  in->later = (ip.frag & net16(0x1fff)) != 0;
  return 0;
}

/* The extension headers of IPv6 that are passed over, RFC 8200 4. */
INLINE u32 ipv6_header(struct __sk_buff *skb, struct inner *in, u32 at, u32 len) {
  struct ipv6 ip;
  if (len < 40 || skb_load(skb, at, &ip, 40) || net16(ip.len) + 40 != len) return MALFORMED;
  u32 word = net32(ip.flow), end = at + len, here = at + 40;
  u8 next = ip.next;
  in->src[0] = ip.src[0], in->src[1] = ip.src[1], in->dst[0] = ip.dst[0], in->dst[1] = ip.dst[1];
  in->family = 6, in->tos = word >> 20, in->label = word & 0xfffff;
  for (int i = 0; i < MOST_EXTENSIONS && is_extension(next) && !in->later; i++) {
    u8 ext[4];
    if (here + 8 > end || skb_load(skb, here, ext, 4)) return MALFORMED;
    if (next == FRAGMENT) in->later = ((ext[2] << 8 | ext[3]) & 0xfff8) != 0;
    here += next == FRAGMENT ? 8 : 8 * (ext[1] + 1);
    next = ext[0];
    if (here > end) return MALFORMED;
  }
  if (is_extension(next) && !in->later) return MALFORMED;
  in->at = here, in->proto = next;
  return 0;
}

/* 0, or why it is none. */
INLINE u32 read_inner(struct __sk_buff *skb, struct inner *in, u32 at, u32 len) {
  u8 first;
  *in = (struct inner){0};
  if (skb_load(skb, at, &first, 1)) return MALFORMED;
  if (first >> 4 == 4) return ipv4_header(skb, in, at, len);
  return first >> 4 == 6 ? ipv6_header(skb, in, at, len) : MALFORMED;
}
