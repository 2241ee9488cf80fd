package forge

import (
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	patience   = 30 * time.Second // of one request, with its body
	mostAnswer = 8 << 20          // bytes
	retries    = 3
)

// client is the HTTP client for all forges. What changes nothing when it is done twice is tried again after a failure of
// the forge, and after the time that it asks for; a POST is the caller's.
func client() *http.Client {
	retrying := retryablehttp.NewClient()
	retrying.Logger, retrying.RetryMax, retrying.RetryWaitMin, retrying.RetryWaitMax = nil, retries, 100*time.Millisecond, 10*time.Second
	retrying.ErrorHandler = retryablehttp.PassthroughErrorHandler
	retrying.HTTPClient.Timeout = patience
	retrying.HTTPClient.Transport = bounded{retrying.HTTPClient.Transport}
	again := retrying.StandardClient().Transport
	once := retrying.HTTPClient.Transport
	return &http.Client{
		Transport:     byMethod{again, once},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token follows nobody
		Timeout:       4 * patience,
	}
}

type byMethod struct{ again, once http.RoundTripper }

func (b byMethod) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		return b.once.RoundTrip(r)
	}
	return b.again.RoundTrip(r)
}

// bounded cuts answers that are too long.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, mostAnswer), answer.Body}
	}
	return answer, err
}
