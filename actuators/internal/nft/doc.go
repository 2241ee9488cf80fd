// Package nft is what the kinds nat, balancer and firewall share of nftables: transactions that nobody else's commit can
// slip into, elements as text with the mark in their comment, rules compared in canonical form, and change hints.
// It works in the network namespace of its process. Only kinds may import it.
//
// The table "ip plumb" holds all published services of a host. Its entries are elements of a few sets and maps; its
// chains and rules are a function of these elements (shape.go), so that undoing elements undoes everything:
//
//	forwards   address . protocol . port          → address . port    nat
//	balancers  address . protocol . port          → chain spread-N    balancer
//	backends   address . protocol . port . index  → address . port    balancer
//	masq       address . protocol . port (as the client sent it)      both: the target sees this host's address
//
// The table exists exactly while it holds an element.
package nft
