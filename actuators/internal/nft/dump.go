package nft

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// dump appends all elements of a set. It does not go through the library's GetSetElements, which reads each message twice
// into growing buffers and keeps all of them: of 10,000 elements that took half of every look.
func (tx *Tx) dump(s *nftables.Set, out []Element) ([]Element, error) {
	tx.asked = true
	request := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP)
	request.AddData(&nl.Nfgenmsg{NfgenFamily: uint8(s.Table.Family), Version: nl.NFNETLINK_V0})
	request.AddData(nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_TABLE, nl.ZeroTerminated(s.Table.Name)))
	request.AddData(nl.NewRtAttr(unix.NFTA_SET_ELEM_LIST_SET, nl.ZeroTerminated(s.Name)))
	var broken error
	err := request.ExecuteIter(unix.NETLINK_NETFILTER, 0, func(message []byte) bool {
		for kind, list := range attributes(message[min(len(message), nl.SizeofNfgenmsg):]) {
			if kind != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
				continue
			}
			for _, raw := range attributes(list) {
				e, err := elementOf(s, raw)
				if err != nil {
					broken = err
					return false
				}
				out = append(out, e)
			}
		}
		return true
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read nft set %s %s: %w", s.Table.Name, s.Name, err)
	}
	return out, nil
}

// elementOf reads the attributes of one element (nft_set_elem_attributes of linux/netfilter/nf_tables.h).
func elementOf(s *nftables.Set, raw []byte) (e Element, err error) {
	e.Set = s.Name
	for kind, data := range attributes(raw) {
		switch {
		case kind == unix.NFTA_SET_ELEM_KEY:
			e.Key, err = decode(s.KeyType, inner(data))
		case kind == unix.NFTA_SET_ELEM_DATA && s.IsMap:
			e.Value, err = decode(s.DataType, inner(data))
		case kind == unix.NFTA_SET_ELEM_USERDATA:
			e.Comment, _ = userdata.GetString(data, userdata.NFTNL_UDATA_SET_ELEM_COMMENT)
		}
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// inner is the value or verdict that is nested in an attribute for data.
func inner(data []byte) []byte {
	for _, value := range attributes(data) {
		return value
	}
	return nil
}

// attributes yields kind and content of netlink attributes (struct nlattr of linux/netlink.h); it ends where they are cut off.
func attributes(data []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		for len(data) >= unix.SizeofNlAttr {
			length, kind := int(binary.NativeEndian.Uint16(data)), binary.NativeEndian.Uint16(data[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER)
			if length < unix.SizeofNlAttr || length > len(data) || !yield(kind, data[unix.SizeofNlAttr:length]) {
				return
			}
			data = data[min((length+unix.NLA_ALIGNTO-1)&^(unix.NLA_ALIGNTO-1), len(data)):]
		}
	}
}
