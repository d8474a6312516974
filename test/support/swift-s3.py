# OpenStack Swift with its S3 API, whole, in one process on loopback: proxy, account, container and object server of
# Debian's python3-swift, a ring each with one device. `swift-s3.py FOLDER` prints the proxy's port and serves until
# it is killed, or its standard input ends: it does not outlive who started it.
import os
import sys
import time

folder = os.path.abspath(sys.argv[1])
ACCESS_KEY, SECRET_KEY = 'test:tester', 'testing-secret'

import eventlet
import eventlet.wsgi
from swift.common import utils, wsgi

with open(os.path.join(folder, 'swift.conf'), 'w') as f:
    f.write('[swift-hash]\nswift_hash_path_prefix = monitor\nswift_hash_path_suffix = monitor\n')
utils.set_swift_dir(folder)
utils.eventlet_monkey_patch()
from swift.common.ring import RingBuilder

devices = os.path.join(folder, 'devices')
os.makedirs(os.path.join(devices, 'd1'))
COMMON = f'swift_dir = {folder}\nuser = root\nlog_level = ERROR\nworkers = 0\ndisable_fallocate = true\n'


class Cache:
    '''What Swift asks of memcached, in this process.'''

    def __init__(self):
        self.kept = {}

    def set(self, key, value, serialize=True, time=0, **_):
        self.kept[key] = (value, time and now() + time)

    def get(self, key, **_):
        value, until = self.kept.get(key, (None, 0))
        return None if until and until < now() else value

    def incr(self, key, delta=1, time=0, **_):
        self.set(key, int(self.get(key) or 0) + delta, time=time)
        return self.get(key)

    def delete(self, key, **_):
        self.kept.pop(key, None)


now = time.time
cache = Cache()


def listen():
    return eventlet.listen(('127.0.0.1', 0), backlog=256)


def serve(sock, name, text):
    path = os.path.join(folder, name + '.conf')
    with open(path, 'w') as f:
        f.write(text)
    app = wsgi.loadapp(path, global_conf={'log_name': name})

    def with_cache(env, start_response):
        env['swift.cache'] = cache
        return app(env, start_response)

    eventlet.spawn(eventlet.wsgi.server, sock, with_cache, utils.NullLogger(), protocol=wsgi.SwiftHttpProtocol,
                   capitalize_response_headers=False, socket_timeout=60)


for kind in ('account', 'container', 'object'):
    sock = listen()
    builder = RingBuilder(1, 1, 1)
    builder.add_dev({'region': 1, 'zone': 1, 'weight': 1, 'ip': '127.0.0.1', 'port': sock.getsockname()[1], 'device': 'd1'})
    builder.rebalance()
    builder.get_ring().save(os.path.join(folder, f'{kind}.ring.gz'))
    serve(sock, kind, f'[DEFAULT]\n{COMMON}devices = {devices}\nmount_check = false\n'
          f'[pipeline:main]\npipeline = {kind}-server\n[app:{kind}-server]\nuse = egg:swift#{kind}\n')

sock = listen()
serve(sock, 'proxy', f'''[DEFAULT]
{COMMON}
[pipeline:main]
pipeline = catch_errors listing_formats bulk s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
storage_domain = localhost
max_bucket_listing = 50
min_segment_size = 1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {SECRET_KEY} .admin
[filter:slo]
use = egg:swift#slo
min_segment_size = 1
''')
print(sock.getsockname()[1], flush=True)
eventlet.tpool.execute(sys.stdin.read)
