package git

import (
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport/client"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// go-git's own client makes a transport for each conversation that has a CA file,
// and leaves its connections open; this one keeps a transport for each CA file.
// Its table of protocols is the only place to set another. Redirects are go-git's:
// only the first request may be redirected, never from https to http,
// and credentials stay behind when the host changes.
func init() {
	c := githttp.NewClientWithOptions(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()},
		&githttp.ClientOptions{CacheMaxEntries: 16})
	client.InstallProtocol("https", c)
	client.InstallProtocol("http", c)
}
