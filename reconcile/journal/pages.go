package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
)

// The layout of a bbolt file, from its internal/common (page.go, meta.go, inode.go) and internal/freelist, in the machine's
// byte order:
//
//	page      ID 8, flags 2, count 2, overflow 4; then elements, then the bytes they point to
//	meta      magic 4, version 4, page size 4, flags 4, root 8, its sequence 8, free list 8, high-water mark 8,
//	          transaction 8, FNV-1a 64 of all that 8
//	branch    per element: position 4, key size 4, page 8
//	leaf      per element: flags 4, position 4, key size 4, value size 4; flag 1 = the value is a bucket:
//	          root 8, sequence 8, and with root 0 a page of its own
//	free list ascending page numbers, 8 each; a count of 0xFFFF stands for the first of them
//
// Positions count from the start of the element.
const (
	pageHeader  = 16
	elementSize = 16
	metaLength  = 64
	bucketSize  = 16
	boltMagic   = 0xED0CDAED
	branchFlag  = 0x01
	leafFlag    = 0x02
	listFlag    = 0x10
	bucketLeaf  = 0x01
	manyPages   = 0xFFFF
	noFreeList  = ^uint64(0)
)

var order = binary.NativeEndian

type metaPage struct {
	pageSize, root, freeList, high, tx uint64
}

// pages is a file under check. A page is seen once: in a tree, or in the list of free ones.
type pages struct {
	metaPage
	data []byte
	seen []uint64 // a bit for each page
}

// checkPages checks that every page that the newest valid header reaches is whole, and free ones are not in use.
func checkPages(data []byte) error {
	meta, ok := newestMeta(data)
	if !ok {
		return errors.New("it has no valid header page")
	}
	if meta.pageSize < 1024 || meta.pageSize&(meta.pageSize-1) != 0 { // bbolt knows no smaller pages than that of the system
		return fmt.Errorf("its pages have %d bytes", meta.pageSize)
	}
	if meta.high > uint64(len(data))/meta.pageSize {
		return fmt.Errorf("it is cut off at %d bytes of %d pages of %d bytes", len(data), meta.high, meta.pageSize)
	}
	p := &pages{metaPage: meta, data: data, seen: make([]uint64, meta.high/64+1)}
	p.seen[0] = 0b11 // the headers
	if err := p.tree(meta.root); err != nil {
		return err
	}
	return p.list()
}

// newestMeta finds the valid header of the higher transaction. The second one stands at the page size, which only the
// first one tells; when that is torn, the sizes that Linux has are tried.
func newestMeta(data []byte) (metaPage, bool) {
	first, ok := readMetaPage(data, 0)
	sizes := []uint64{4096, 8192, 16384, 32768, 65536}
	if ok {
		sizes = []uint64{first.pageSize}
	}
	for _, size := range sizes {
		if second, valid := readMetaPage(data, size); valid && (!ok || second.tx > first.tx) {
			return second, true
		}
	}
	return first, ok
}

func readMetaPage(data []byte, at uint64) (metaPage, bool) {
	if uint64(len(data)) < at+pageHeader+metaLength {
		return metaPage{}, false
	}
	body := data[at+pageHeader:][:metaLength]
	sum := fnv.New64a()
	_, _ = sum.Write(body[:metaLength-8])
	if order.Uint32(body) != boltMagic || order.Uint64(body[metaLength-8:]) != sum.Sum64() {
		return metaPage{}, false
	}
	return metaPage{
		pageSize: uint64(order.Uint32(body[8:])), root: order.Uint64(body[16:]), freeList: order.Uint64(body[32:]),
		high: order.Uint64(body[40:]), tx: order.Uint64(body[48:]),
	}, true
}

// page gives the bytes of a page with its overflow, and marks all of it as seen.
func (p *pages) page(id uint64) ([]byte, error) {
	if id >= p.high {
		return nil, fmt.Errorf("page %d is beyond the end", id)
	}
	rest := p.data[id*p.pageSize : p.high*p.pageSize]
	size := (uint64(order.Uint32(rest[12:])) + 1) * p.pageSize
	if order.Uint64(rest) != id || size > uint64(len(rest)) {
		return nil, fmt.Errorf("page %d is overwritten", id)
	}
	for n := range size / p.pageSize {
		if err := p.once(id + n); err != nil {
			return nil, err
		}
	}
	return rest[:size], nil
}

func (p *pages) once(id uint64) error {
	if id >= p.high || p.seen[id/64]>>(id%64)&1 == 1 {
		return fmt.Errorf("page %d is used twice", id)
	}
	p.seen[id/64] |= 1 << (id % 64)
	return nil
}

func (p *pages) tree(id uint64) error {
	page, err := p.page(id)
	if err != nil {
		return err
	}
	if err := p.node(page); err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// node checks a branch or a leaf and all that it points to.
func (p *pages) node(page []byte) error {
	flags, count := order.Uint16(page[8:]), uint64(order.Uint16(page[10:]))
	if flags != branchFlag && flags != leafFlag || pageHeader+count*elementSize > uint64(len(page)) {
		return errors.New("it is overwritten")
	}
	var last []byte
	for n := range count {
		at := pageHeader + n*elementSize
		key, value, err := p.element(page[at:], flags)
		if err != nil {
			return err
		}
		if n > 0 && bytes.Compare(last, key) >= 0 {
			return errors.New("its keys are not in order")
		}
		if last = key; value != nil {
			if err := p.bucket(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// element reads one element, and follows the page of a branch. It gives the value only of a bucket.
func (p *pages) element(e []byte, flags uint16) (key, value []byte, err error) {
	if flags == branchFlag {
		from, size := uint64(order.Uint32(e)), uint64(order.Uint32(e[4:]))
		if from+size > uint64(len(e)) {
			return nil, nil, errors.New("a key lies outside")
		}
		return e[from : from+size], nil, p.tree(order.Uint64(e[8:]))
	}
	from, keySize, size := uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
	if from+keySize+size > uint64(len(e)) {
		return nil, nil, errors.New("a value lies outside")
	}
	if order.Uint32(e)&bucketLeaf != 0 {
		value = e[from+keySize : from+keySize+size]
		if size < bucketSize {
			return nil, nil, errors.New("a bucket has no root")
		}
	}
	return e[from : from+keySize], value, nil
}

func (p *pages) bucket(value []byte) error {
	if root := order.Uint64(value); root != 0 {
		return p.tree(root)
	}
	if len(value) < bucketSize+pageHeader {
		return errors.New("a bucket has no page")
	}
	return p.node(value[bucketSize:])
}

// list checks the list of free pages: bbolt believes its count, and writes where it says.
func (p *pages) list() error {
	if p.freeList == noFreeList {
		return nil
	}
	page, err := p.page(p.freeList)
	if err != nil {
		return fmt.Errorf("the list of free pages: %w", err)
	}
	count, rest := uint64(order.Uint16(page[10:])), page[pageHeader:]
	if count == manyPages {
		count, rest = order.Uint64(rest), rest[8:]
	}
	if order.Uint16(page[8:]) != listFlag || count > uint64(len(rest))/8 {
		return errors.New("the list of free pages is overwritten")
	}
	for n := range count {
		if err := p.once(order.Uint64(rest[8*n:])); err != nil {
			return fmt.Errorf("the list of free pages: %w", err)
		}
	}
	return nil
}
