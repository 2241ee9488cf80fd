package reconcile_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/sources/dir"
)

// Whatever stands on the wire to the listener of /metrics: it still answers the next who asks.
func FuzzListener(f *testing.F) {
	for _, text := range []string{
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "GET /readyz HTTP/1.0\r\n\r\nGET /healthz", "POST /metrics HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"GET http://a/../../etc/passwd HTTP/1.1\r\nHost: \x00\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: zstd\r\nAccept: application/openmetrics-text;q=\xff\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01",
	} {
		f.Add([]byte(text))
	}
	source, err := dir.Open(dir.Config{Path: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	c := reconcile.New(reconcile.Options{Config: reconcile.Config{State: f.TempDir()}, Kinds: actuators.NewRegistry(), Source: source})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- reconcile.NewMeters("1").Serve(ctx, listener, c) }()
	f.Cleanup(func() { cancel(); <-ended; c.Close() })
	address := listener.Addr().String()
	f.Fuzz(func(t *testing.T, data []byte) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		conn.Write(data)
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn)
		conn.Close()
		answer, err := http.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	})
}
