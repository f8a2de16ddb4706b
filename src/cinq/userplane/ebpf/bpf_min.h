/* What gtpu.c needs of the kernel's BPF interface, written out so that no system header is wanted.
 * Types are the kernel ABI of struct __sk_buff; helper numbers are those of enum bpf_func_id. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))
#define PACKED __attribute__((packed))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define net16(x) __builtin_bswap16(x)
#define net32(x) __builtin_bswap32(x)

struct __sk_buff {
  u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority;
  u32 ingress_ifindex, ifindex, tc_index, cb[5], hash, tc_classid, data, data_end, napi_id;
  u32 family, remote_ip4, local_ip4, remote_ip6[4], local_ip6[4], remote_port, local_port, data_meta;
  u64 flow_keys, tstamp;
  u32 wire_len, gso_segs;
  u64 sk;
  u32 gso_size;
};

static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static u64 (*ktime_ns)(void) = (void *)5;
static long (*skb_store)(void *skb, u32 offset, const void *from, u32 len, u64 flags) = (void *)9;
static long (*l4_csum_replace)(void *skb, u32 offset, u64 from, u64 to, u64 flags) = (void *)11;
static long (*redirect)(u32 ifindex, u64 flags) = (void *)23;
static long (*skb_load)(const void *skb, u32 offset, void *to, u32 len) = (void *)26;
static s64 (*csum_diff)(const void *from, u32 from_size, const void *to, u32 to_size, u32 seed) = (void *)28;
static long (*skb_adjust_room)(void *skb, s32 len_diff, u32 mode, u64 flags) = (void *)50;
static long (*redirect_neigh)(u32 ifindex, void *params, int plen, u64 flags) = (void *)152;
static long (*redirect_peer)(u32 ifindex, u64 flags) = (void *)155;

enum { TC_NEXT = -1, TC_SHOT = 2 }; /* NEXT: the next tcx program, else the stack */
enum { MAP_HASH = 1, MAP_ARRAY = 2, MAP_PERCPU_ARRAY = 6, MAP_LPM_TRIE = 11 };
enum { NO_PREALLOC = 1 };
enum { ROOM_MAC = 1 };
enum { OF_PSEUDO_HEADER = 16, NONE_STAYS_NONE = 32 }; /* of l4_csum_replace */
enum { ROOM_FIXED_GSO = 1, ROOM_ENCAP_IPV4 = 2, ROOM_ENCAP_IPV6 = 4, ROOM_ENCAP_UDP = 8, ROOM_DECAP_IPV4 = 128, ROOM_DECAP_IPV6 = 256 };

struct eth { u8 dst[6], src[6]; u16 type; } PACKED;
struct ipv4 { u8 vihl, tos; u16 len, id, frag; u8 ttl, proto; u16 csum; u32 src, dst; } PACKED;
struct ipv6 { u32 flow; u16 len; u8 next, hops; u64 src[2], dst[2]; } PACKED;
struct udp { u16 src, dst, len, csum; } PACKED;
struct gtpu { u8 flags, type; u16 len; u32 teid; } PACKED;
struct gtpu_opt { u16 sequence; u8 npdu, next; } PACKED;
struct psc { u8 len, type, qfi, next; } PACKED; /* TS 38.415 PDU Session Container, 4 octets */
