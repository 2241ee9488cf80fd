// Package prepare makes a machine a host: the binary by its content hash, a user, a key that opens nothing but
// `plumb exec --stdio`, and the boot hook. It knows how, cmd/plumb knows when. It imports reconcile/exec for the way to
// the host and nothing else of ours.
package prepare
